"""Admin pages of the inbound log, from which events are processed again."""

import json
from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kit.admin.base import ReadOnly, act_as_staff, format_structured, state_badge
from webhooks.inbound.models import InboundEvent, InboundEventQuerySet
from webhooks.inbound.services import replay as services_replay

# Anyone who has one of these may pay, read an invoice or act as someone.
SECRET_KEYS: Final = frozenset(
    {
        "client_secret", "hosted_invoice_url", "invoice_pdf",
        "receipt_url", "scim_bearer_token", "session_jwt", "session_token", "token", "url",
    }
)  # fmt: skip


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly):
    """Show received events and offer replay as the only action."""

    list_display = (
        "received_at", "source", "type", "object_key", "status_badge", "attempts", "next_attempt_at",
    )  # fmt: skip
    list_filter = ("state", "source", "livemode", "received_at", "type")
    search_fields = ("=external_id", "=object_key", "=organization_hint")
    search_help_text = "The exact id of an event, of the vendor's object or of its organization."
    ordering = ("-received_at",)
    status_badge = state_badge("state")
    actions = ("replay",)
    fields = readonly_fields = (
        "source", "type", "external_id", "object_key", "organization_hint", "organization_id", "user_id",
        "state", "livemode", "attempts", "occurred_at", "received_at", "first_attempt_at",
        "next_attempt_at", "processed_at", "last_error", "body",
    )  # fmt: skip

    @admin.action(description="Process again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: InboundEventQuerySet) -> None:
        """Run the handlers of the chosen events again."""
        with act_as_staff(request):
            replayed = services_replay.replay_events(queryset)
        self.message_user(request, f"{replayed} events will be processed again.", messages.SUCCESS)

    @admin.display(description="payload")
    def body(self, event: InboundEvent) -> SafeString:
        """Return the indented payload without its secrets."""
        if not event.payload:
            return format_html("{}", "forgotten after 90 days")
        return format_structured(without_keys(json.loads(event.payload)))

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Allow replay to those who may change events."""
        return request.user.has_perm("inbound.change_inboundevent")


def without_keys(value: Any) -> Any:
    """Return the document with its secrets replaced."""
    if isinstance(value, list):
        return [without_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "(not shown)" if key in SECRET_KEYS and inner else without_keys(inner)
        for key, inner in value.items()
    }
