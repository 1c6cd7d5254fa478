"""The inbound log as staff see it: to look at, and to process again."""

import json

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from kit import caller as callers
from kit.caller import Caller
from webhooks.inbound.models import InboundEvent, InboundEventQuerySet
from webhooks.inbound.services import replays


@admin.register(InboundEvent)
class InboundEventAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What vendors told us. Nobody writes here but the vendors; replay is the one action."""

    list_display = (
        "received_at",
        "source",
        "type",
        "object_key",
        "state",
        "attempts",
        "next_attempt_at",
    )
    list_filter = ("state", "source", "livemode", "received_at", "type")
    search_fields = ("=external_id", "=object_key", "=organization_hint")
    search_help_text = "The exact id of an event, of the vendor's object or of its organization."
    date_hierarchy = None
    show_full_result_count = False
    actions = ("replay",)
    fields = readonly_fields = (
        "source", "type", "external_id", "object_key", "organization_hint", "organization_id", "user_id",
        "state", "livemode", "attempts", "occurred_at", "received_at", "first_attempt_at",
        "next_attempt_at", "processed_at", "last_error", "body",
    )  # fmt: skip

    @admin.action(description="Process again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: InboundEventQuerySet) -> None:
        """Run the handlers of the chosen events again."""
        with callers.use(Caller(kind="operator", id=str(request.user.pk))):
            replayed = replays.replay(queryset)
        self.message_user(request, f"{replayed} events will be processed again.", messages.SUCCESS)

    @admin.display(description="payload")
    def body(self, event: InboundEvent) -> SafeString:
        """What was posted, indented."""
        text = event.payload
        if text:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text or "forgotten after 90 days")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Those who may change events may have them processed again."""
        return request.user.has_perm("inbound.change_inboundevent")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Events come from vendors."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """What a vendor said is never rewritten."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """A forgotten id would let a late duplicate in."""
        return False
