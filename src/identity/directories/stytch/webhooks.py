"""Verify and read Stytch's webhooks.

They are signed by Svix and read for ids alone; the object is fetched again before writing.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from kit.timestamps import parse_timestamp
from webhooks.inbound.registry import BadSignature, EventHeader, Source, register_source

_SVIX_HEADER_PREFIX = "svix-"


def verify_signature(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Check Svix's signature.

    Raises BadSignature. The library knows its headers as webhook-*:
    https://docs.svix.com/receiving/verifying-payloads/how
    """
    renamed = {
        name.lower().replace(_SVIX_HEADER_PREFIX, "webhook-", 1): value
        for name, value in headers.items()
        if name.lower().startswith(_SVIX_HEADER_PREFIX)
    }
    try:
        Webhook(secret).verify(body, renamed, json_parse=False)
    except (WebhookVerificationError, ValueError, UnicodeDecodeError) as error:
        raise BadSignature(type(error).__name__) from None


def parse_event(body: bytes) -> EventHeader:
    """Return the ids and the kind of an event.

    Nothing else in it is trusted.
    """
    event: dict[str, Any] = json.loads(body)
    kind = ".".join(str(event[part]).lower() for part in ("object_type", "action"))
    detail = event.get(event["object_type"])
    organization = detail.get("organization_id") if isinstance(detail, dict) else None
    return EventHeader(
        external_id=str(event["event_id"]),
        type=f"{str(event['source']).lower()}.{kind}",
        object_key=str(event["id"]),
        livemode=str(event.get("project_id", "")).startswith("project-live-"),
        occurred_at=parse_timestamp(str(at)) if (at := event.get("timestamp")) else timezone.now(),
        organization_hint=str(organization) if organization else None,
    )


register_source(
    Source(
        name="stytch",
        secret=lambda: settings.STYTCH_WEBHOOK_SECRET,
        verify=verify_signature,
        read=parse_event,
        livemode=lambda: settings.STYTCH_PROJECT_ID.startswith("project-live-"),
    )
)
