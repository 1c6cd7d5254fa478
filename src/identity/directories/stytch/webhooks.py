"""What Stytch tells by webhook: signed by Svix, read for ids alone, fetched again before writing."""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from kit.timestamps import moment
from webhooks.inbound.registry import BadSignature, Hint, Source, register_source

_SVIX = "svix-"


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Check Svix's signature; raises BadSignature. The library knows its headers as webhook-*."""
    renamed = {
        name.lower().replace(_SVIX, "webhook-", 1): value
        for name, value in headers.items()
        if name.lower().startswith(_SVIX)
    }
    try:
        Webhook(secret).verify(body, renamed, json_parse=False)
    except (WebhookVerificationError, ValueError, UnicodeDecodeError) as error:
        raise BadSignature(type(error).__name__) from None


def read(body: bytes) -> Hint:
    """The ids and the kind of an event; whatever else it claims is not believed."""
    event: dict[str, Any] = json.loads(body)
    kind = ".".join(str(event[part]).lower() for part in ("object_type", "action"))
    detail = event.get(event["object_type"])
    organization = detail.get("organization_id") if isinstance(detail, dict) else None
    return Hint(
        external_id=str(event["event_id"]),
        type=f"{str(event['source']).lower()}.{kind}",
        object_key=str(event["id"]),
        livemode=str(event.get("project_id", "")).startswith("project-live-"),
        occurred_at=moment(str(at)) if (at := event.get("timestamp")) else timezone.now(),
        organization_hint=str(organization) if organization else None,
    )


register_source(
    Source(
        name="stytch",
        secret=lambda: settings.STYTCH_WEBHOOK_SECRET,
        verify=verify,
        read=read,
        livemode=lambda: settings.STYTCH_PROJECT_ID.startswith("project-live-"),
    )
)
