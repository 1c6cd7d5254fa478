"""What is sold, and the exceptions: staff's to edit."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from billing.admin.base import BY_ORGANIZATION, money
from billing.models import Feature, FeatureOverride, Plan, PlanFeature, Price
from billing.models.plans import default_billable_roles
from billing.seat_sync import reconcile
from identity.roles import Role
from kit.admin.base import NOTHING, ReadOnly, Staffed


class Priced(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """Prices of a plan. An amount never changes: add another price, and run `sync_catalog`."""

    model = Price
    fields = (
        "lookup_key", "amount", "currency", "interval", "usage", "is_active", "stripe_price_id",
    )  # fmt: skip
    readonly_fields = ("stripe_price_id",)
    ordering = ("-is_active", "lookup_key")
    extra = 0
    show_title = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """What subscriptions were sold at stays as it was."""
        return False

    has_delete_permission = has_change_permission


class Contained(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The features in a plan."""

    model = PlanFeature
    fields = ("feature", "limit")
    extra = 0
    show_title = False


@admin.register(Plan)
class PlanAdmin(Staffed):
    """What is sold. `sync_catalog` writes the plans its file names, and tells Stripe of all."""

    list_display = ("name", "key", "minimum_seats", "maximum_seats", "is_public")
    list_filter = ("is_public", "is_default")
    search_fields = ("name", "key")
    ordering = ("sort_order", "key")
    readonly_fields = ("stripe_product_id",)
    inlines = (Priced, Contained)
    fieldsets = (
        (None, {"fields": ("name", "key", "description", "is_public", "is_default", "sort_order")}),
        (
            "Seats",
            {
                "fields": (
                    "billable_roles", "minimum_seats", "included_seats", "maximum_seats",
                    "bills_invitations", "addition_policy", "removal_policy", "drift_policy",
                )
            },
        ),
        ("At Stripe", {"fields": ("trial_days", "stripe_product_id")}),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Other rules make other numbers: whoever pays by them is counted again."""
        super().save_model(request, obj, form, change)
        reconcile.defer(reconcile.of_plan(obj))

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Roles are ticked, not typed as JSON."""
        if db_field.name != "billable_roles":
            return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[no-any-return]
        return forms.MultipleChoiceField(
            choices=Role.choices,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            initial=default_billable_roles,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        """A key stays: prices, files and Stripe's product are found by it."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "key")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """A plan somebody may have is hidden, not deleted."""
        return False


@admin.register(Price)
class PriceAdmin(ReadOnly):
    """Amounts never change: a new one is a new row of its plan, and `sync_catalog` tells Stripe."""

    list_display = ("lookup_key", "plan", "shown", "interval", "is_active", "stripe_price_id")
    list_filter = ("plan", "interval", "is_active")
    list_select_related = ("plan",)
    search_fields = ("lookup_key", "=stripe_price_id")
    ordering = ("plan__sort_order", "lookup_key")
    readonly_fields = ("shown",)
    fields = ("lookup_key", "plan", "shown", "interval", "usage", "is_active", "stripe_price_id", "created_at")  # fmt: skip

    @admin.display(description="amount", ordering="amount")
    def shown(self, price: Price) -> str:
        """Per seat and interval."""
        return money(price.amount, price.currency)


@admin.register(Feature)
class FeatureAdmin(Staffed):
    """What plans may contain; code asks for a feature by its key."""

    list_display = ("key", "name", "requires_premium", "description")
    list_filter = ("requires_premium",)
    search_fields = ("key", "name")
    ordering = ("key",)
    fields = ("key", "name", "description", "requires_premium")

    def get_readonly_fields(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Model | None = None,
    ) -> tuple[str, ...]:
        """A key stays: code names it."""
        return () if obj is None else ("key",)


@admin.register(FeatureOverride)
class FeatureOverrideAdmin(Staffed):
    """Staff's word for one organization, stronger than its plan."""

    list_display = ("organization", "feature", "is_granted", "limit", "expires_at", "reason")
    list_filter = ("is_granted", "feature", "expires_at")
    list_select_related = ("organization", "feature")
    search_fields = (*BY_ORGANIZATION, "feature__key", "reason")
    ordering = ("-created_at",)
    autocomplete_fields = ("organization", "feature")
    readonly_fields = ("author", "created_at")
    fields = ("organization", "feature", "is_granted", "limit", "expires_at", "reason", "author", "created_at")  # fmt: skip

    @admin.display(description="created by")
    def author(self, override: FeatureOverride) -> str:
        """Who gave the word."""
        return override.created_by.email if override.created_by else NOTHING

    def save_model(
        self,
        request: HttpRequest,
        obj: FeatureOverride,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Signed by whoever writes it."""
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
