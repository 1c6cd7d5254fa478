"""The inbound log as staff see it: to look at, and to process again."""

import json
from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kit.admin.base import ReadOnly, acting, badge, pretty
from webhooks.inbound.models import InboundEvent, InboundEventQuerySet
from webhooks.inbound.services import replay as services_replay

# Whoever has one of these may pay, read an invoice or act as somebody.
SECRETS: Final = frozenset(
    {
        "client_secret", "hosted_invoice_url", "invoice_pdf",
        "receipt_url", "scim_bearer_token", "session_jwt", "session_token", "token", "url",
    }
)  # fmt: skip


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly):
    """What vendors told us. Nobody writes here but the vendors; replay is the one action."""

    list_display = (
        "received_at", "source", "type", "object_key", "standing", "attempts", "next_attempt_at",
    )  # fmt: skip
    list_filter = ("state", "source", "livemode", "received_at", "type")
    search_fields = ("=external_id", "=object_key", "=organization_hint")
    search_help_text = "The exact id of an event, of the vendor's object or of its organization."
    ordering = ("-received_at",)
    standing = badge("state")
    actions = ("replay",)
    fields = readonly_fields = (
        "source", "type", "external_id", "object_key", "organization_hint", "organization_id", "user_id",
        "state", "livemode", "attempts", "occurred_at", "received_at", "first_attempt_at",
        "next_attempt_at", "processed_at", "last_error", "body",
    )  # fmt: skip

    @admin.action(description="Process again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: InboundEventQuerySet) -> None:
        """Run the handlers of the chosen events again."""
        with acting(request):
            replayed = services_replay.replay(queryset)
        self.message_user(request, f"{replayed} events will be processed again.", messages.SUCCESS)

    @admin.display(description="payload")
    def body(self, event: InboundEvent) -> SafeString:
        """What was posted, indented; what would open a door is left out."""
        if not event.payload:
            return format_html("{}", "forgotten after 90 days")
        return pretty(without_keys(json.loads(event.payload)))

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Those who may change events may have them processed again."""
        return request.user.has_perm("inbound.change_inboundevent")


def without_keys(value: Any) -> Any:
    """The same document with its secrets covered."""
    if isinstance(value, list):
        return [without_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "(not shown)" if key in SECRETS and inner else without_keys(inner)
        for key, inner in value.items()
    }
