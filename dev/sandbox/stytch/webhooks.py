"""Send events about members and organizations, signed with Svix's scheme.

The signature is described at https://docs.svix.com/receiving/verifying-payloads/how-manual.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Literal
from uuid import uuid4

from sandbox.deliveries import Sign
from sandbox.settings import Settings
from sandbox.store import Document
from sandbox.stytch.values import build_stytch_id
from sandbox.world import World

type Action = Literal["CREATE", "UPDATE", "DELETE"]
type ObjectType = Literal["member", "organization"]
type Source = Literal["DIRECT", "DASHBOARD", "SCIM"]


def emit_webhook(
    world: World,
    *,
    action: Action,
    object_type: ObjectType,
    object_id: str,
    source: Source,
    document: Document | None,
) -> None:
    """Queue one event, without the object when it was deleted."""
    event: Document = {
        "action": action,
        "event_id": build_stytch_id("webhook-event"),
        "id": object_id,
        "object_type": object_type,
        "project_id": world.settings.stytch_project_id,
        "source": source,
        "timestamp": world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "vertical": "B2B",
    }
    if document is not None and action != "DELETE":
        event[object_type] = document
    message_id = f"msg_{uuid4().hex}"
    world.deliveries.send(
        vendor="stytch",
        event_id=message_id,
        type=f"{source}.{object_type}.{action}".lower(),
        body=json.dumps(event, separators=(",", ":")).encode(),
        sign=build_svix_signer(world.settings, message_id),
    )


def build_svix_signer(settings: Settings, message_id: str) -> Sign:
    """Return a function that signs one message when it is sent.

    A retry has a new timestamp and signature and keeps the message id.
    """
    secret = base64.b64decode(settings.stytch_webhook_secret.removeprefix("whsec_"))

    def sign(body: bytes, at: datetime) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        content = b".".join((message_id.encode(), timestamp.encode(), body))
        digest = base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
        return {
            "svix-id": message_id,
            "svix-timestamp": timestamp,
            "svix-signature": f"v1,{digest}",
        }

    return sign
