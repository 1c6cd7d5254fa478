"""Billing as staff see it: plans and exceptions to edit, the rest to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from billing.models import (
    Customer,
    Feature,
    FeatureOverride,
    Invoice,
    Plan,
    PlanFeature,
    Price,
    SeatAttempt,
    SeatChange,
    SeatState,
    Subscription,
)
from billing.seat_rules import Mode
from billing.services import seats
from kit import caller as callers
from kit.caller import Caller


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Written by services alone, or a replica of Stripe's."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Rows come from services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Only services write."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Money leaves traces."""
        return False


class PriceInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """Prices of a plan. An amount never changes: add another price, and run `sync_catalog`."""

    model = Price
    extra = 0
    fields = (
        "lookup_key",
        "amount",
        "currency",
        "interval",
        "usage",
        "is_active",
        "stripe_price_id",
    )
    readonly_fields = ("stripe_price_id",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """What subscriptions were sold at stays as it was."""
        return False


class PlanFeatureInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """What is in a plan, and how much of it."""

    model = PlanFeature
    extra = 0


@admin.register(Plan)
class PlanAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Seat rules, features and prices."""

    list_display = ("name", "key", "minimum_seats", "maximum_seats", "is_public", "is_default")
    inlines = (PriceInline, PlanFeatureInline)
    readonly_fields = ("stripe_product_id",)


@admin.register(Feature)
class FeatureAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What plans may contain."""

    list_display = ("key", "name", "requires_premium")
    search_fields = ("key", "name")


@admin.register(FeatureOverride)
class FeatureOverrideAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """An exception for one organization, with its reason and its author."""

    list_display = ("organization", "feature", "is_granted", "limit", "expires_at", "created_by")
    list_filter = ("feature", "is_granted")
    raw_id_fields = ("organization",)
    readonly_fields = ("created_by",)

    def save_model(
        self,
        request: HttpRequest,
        obj: FeatureOverride,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Whoever writes it last answers for it."""
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)


@admin.register(SeatState)
class SeatStateAdmin(ReadOnly):
    """Where seats stand; a contract may fix their number."""

    list_display = ("organization", "state", "mode", "counted", "provider_quantity", "dirty_since")
    list_filter = ("state", "mode")
    search_fields = ("organization__slug", "=organization__id")
    fields = (
        "organization", "mode", "contract_seats", "state", "counted", "reserved",
        "provider_quantity", "revision", "dirty_since", "drifted_since", "failed_quantity",
        "last_synced_at", "last_error",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name not in ("mode", "contract_seats"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Mode and contract are staff's to say."""
        return bool(request.user.has_perm("billing.change_seatstate"))

    def save_model(self, request: HttpRequest, obj: SeatState, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        """Through the service, so that Stripe is told."""
        with callers.use(Caller(kind="operator", id=str(request.user.pk))):
            seats.set_mode(
                organization=obj.organization,
                mode=Mode(obj.mode),
                contract_seats=obj.contract_seats,
            )


@admin.register(SeatChange)
class SeatChangeAdmin(ReadOnly):
    """The ledger."""

    list_display = (
        "created_at",
        "organization",
        "reason",
        "counted_before",
        "counted_after",
        "target",
    )
    list_filter = ("reason",)
    search_fields = ("organization__slug", "=organization__id")
    ordering = ("-created_at",)


@admin.register(SeatAttempt)
class SeatAttemptAdmin(ReadOnly):
    """What was sent to Stripe."""

    list_display = (
        "created_at", "organization", "state", "quantity_before", "quantity", "proration", "calls",
        "error",
    )  # fmt: skip
    list_filter = ("state", "proration")
    search_fields = ("organization__slug", "=organization__id")


@admin.register(Customer)
class CustomerAdmin(ReadOnly):
    """Who pays; changed by the organization's admins or at Stripe."""

    list_display = ("organization", "stripe_customer_id", "billing_country", "vat_status")
    search_fields = ("organization__slug", "=stripe_customer_id")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    """What was agreed, past and present."""

    list_display = (
        "external_id", "organization", "status", "price", "quantity", "current_period_end",
        "is_surplus",
    )  # fmt: skip
    list_filter = ("status", "seat_item", "is_surplus")
    search_fields = ("organization__slug", "=external_id")


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly):
    """What was charged."""

    list_display = ("issued_at", "number", "organization", "status", "total", "currency")
    list_filter = ("status",)
    search_fields = ("organization__slug", "=number", "=external_id")
    ordering = ("-issued_at",)
