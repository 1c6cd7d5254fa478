"""Seats: where they stand, how each came about, and what Stripe was told."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from billing.admin.base import Paid
from billing.models import SeatAttempt, SeatChange, SeatState
from billing.seat_rules import Mode
from billing.seats import report
from kit.admin.base import acting, badge


@admin.register(SeatState)
class SeatStateAdmin(Paid):
    """How each organization's seats stand between us and Stripe; a contract may fix their number."""

    list_display = (
        "organization", "standing", "mode", "counted", "reserved", "provider_quantity",
        "dirty_since",
    )  # fmt: skip
    list_filter = ("state", "mode")
    ordering = ("-updated_at",)
    standing = badge("state")
    fieldsets = (
        (None, {"fields": ("organization", "state", "mode", "contract_seats")}),
        ("Numbers", {"fields": ("counted", "reserved", "provider_quantity", "previewed_quantity")}),
        ("Trouble", {"fields": ("last_error", "failed_quantity", "dirty_since", "drifted_since")}),
        ("More", {"fields": ("revision", "last_synced_at", "previewed_at", "updated_at")}),
    )
    readonly_fields = (
        "organization", "state", "counted", "reserved", "provider_quantity", "previewed_quantity",
        "last_error", "failed_quantity", "dirty_since", "drifted_since", "revision",
        "last_synced_at", "previewed_at", "updated_at",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Mode and contract are staff's to say."""
        return bool(request.user.has_perm("billing.change_seatstate"))

    def save_model(self, request: HttpRequest, obj: SeatState, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        """Through the service, so that Stripe is told."""
        with acting(request):
            report.set_mode(
                organization=obj.organization,
                mode=Mode(obj.mode),
                contract_seats=obj.contract_seats,
            )


@admin.register(SeatChange)
class SeatChangeAdmin(Paid):
    """The ledger: how each seat came about."""

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
    readonly_fields = ("caller",)
    fields = ("organization", "revision", "reason", "subject_id", "caller", "counted_before", "counted_after", "reserved_after", "target", "created_at")  # fmt: skip

    @admin.display(description="caller")
    def caller(self, change: SeatChange) -> str:
        """Who changed it."""
        return f"{change.caller_kind} {change.caller_id}".strip()


@admin.register(SeatAttempt)
class SeatAttemptAdmin(Paid):
    """What Stripe was told, and what it said."""

    list_display = (
        "organization",
        "quantity_before",
        "quantity",
        "quantity_returned",
        "standing",
        "created_at",
    )
    list_filter = ("state", "proration")
    standing = badge("state")
    fieldsets = (
        (None, {"fields": ("organization", "subscription", "state", "error")}),
        ("Numbers", {"fields": ("quantity_before", "quantity", "quantity_returned", "revision")}),
        ("Call", {"fields": ("id", "step", "calls", "proration", "proration_date")}),
        ("Times", {"fields": ("created_at", "lease_until", "finished_at")}),
    )
