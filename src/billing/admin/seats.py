"""The admin pages of seats, of their ledger and of what was sent."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from billing.admin.base import BillingAdmin
from billing.models import SeatAttempt, SeatChange, SeatState
from billing.seat_rules import Mode
from billing.seats import report
from kit.admin.base import act_as_staff, state_badge


@admin.register(SeatState)
class SeatStateAdmin(BillingAdmin):
    """The seats of each organization, counted here and billed at the provider."""

    list_display = (
        "organization", "status_badge", "mode", "contract_seats", "counted", "reserved",
        "provider_quantity", "dirty_since", "billing_page",
    )  # fmt: skip
    list_filter = ("state", "mode")
    ordering = ("-updated_at",)
    status_badge = state_badge("state")
    fieldsets = (
        (None, {"fields": ("organization", "billing_page", "state", "mode", "contract_seats")}),
        ("Numbers", {"fields": ("counted", "reserved", "provider_quantity", "previewed_quantity")}),
        ("Trouble", {"fields": ("last_error", "failed_quantity", "dirty_since", "drifted_since")}),
        ("More", {"fields": ("revision", "last_synced_at", "previewed_at", "updated_at")}),
    )
    readonly_fields = (
        "organization", "billing_page", "state", "counted", "reserved", "provider_quantity", "previewed_quantity",
        "last_error", "failed_quantity", "dirty_since", "drifted_since", "revision",
        "last_synced_at", "previewed_at", "updated_at",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Allow staff to set the mode and the contract."""
        return bool(request.user.has_perm("billing.change_seatstate"))

    def save_model(self, request: HttpRequest, obj: SeatState, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        """Save through the service, which defers a sync."""
        with act_as_staff(request):
            report.set_seat_mode(
                organization=obj.organization,
                mode=Mode(obj.mode),
                contract_seats=obj.contract_seats,
            )


@admin.register(SeatChange)
class SeatChangeAdmin(BillingAdmin):
    """The ledger of seat changes."""

    list_display = (
        "organization",
        "revision",
        "reason",
        "counted_before",
        "counted_after",
        "target",
        "created_at",
    )
    list_filter = ("reason", "created_at")
    readonly_fields = ("actor",)
    fields = ("organization", "revision", "reason", "subject_id", "actor", "counted_before", "counted_after", "reserved_after", "target", "created_at")  # fmt: skip

    @admin.display(description="actor")
    def actor(self, change: SeatChange) -> str:
        """Return who made the change."""
        return f"{change.actor_kind} {change.actor_id}".strip()


@admin.register(SeatAttempt)
class SeatAttemptAdmin(BillingAdmin):
    """What was sent to the provider, and its answer."""

    list_display = (
        "organization",
        "quantity_before",
        "quantity",
        "quantity_returned",
        "status_badge",
        "created_at",
    )
    list_filter = ("state", "proration")
    status_badge = state_badge("state")
    fieldsets = (
        (None, {"fields": ("organization", "subscription", "state", "error")}),
        ("Numbers", {"fields": ("quantity_before", "quantity", "quantity_returned", "revision")}),
        ("Call", {"fields": ("id", "step", "calls", "proration", "proration_date")}),
        ("Times", {"fields": ("created_at", "lease_until", "finished_at")}),
    )
