"""The admin pages of plans, prices, features and overrides."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from billing.admin.base import BY_ORGANIZATION
from billing.entitlements import usage
from billing.models import Feature, FeatureOverride, Plan, PlanFeature, Price, ProviderPrice
from billing.models.plans import default_billable_roles
from billing.money import format_amount
from billing.seat_sync import reconcile
from identity.roles import Role
from kit.admin.base import EMPTY_VALUE, BaseAdmin, ReadOnly


class PriceInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The prices of a plan.

    An amount never changes; add another price, and run `sync_catalog`.
    """

    model = Price
    fields = (
        "lookup_key", "amount", "currency", "interval", "usage", "addition_policy", "is_active",
    )  # fmt: skip
    ordering = ("-is_active", "lookup_key")
    extra = 0
    show_title = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Refuse changes, because subscriptions were sold at these amounts."""
        return False

    has_delete_permission = has_change_permission


class ProviderPriceInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """What a price is sold as, by provider."""

    model = ProviderPrice
    fields = ("provider", "external_id", "is_active", "archived_at")
    readonly_fields = fields
    ordering = ("provider", "-is_active")
    extra = 0
    show_title = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Refuse rows by hand, because `sync_catalog` writes them."""
        return False

    has_delete_permission = has_add_permission


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A form that refuses a limit whose use nothing counts."""

    def clean(self) -> dict[str, Any]:
        """Require a counter of the feature, without which its limit would refuse nothing."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        feature, limit = (
            said.get("feature", getattr(self.instance, "feature", None)),
            said.get("limit"),
        )
        if limit is not None and feature is not None and not usage.is_counted(feature.key):
            self.add_error("limit", "Nothing counts the use of this feature. Leave it empty.")
        return said


class PlanFeatureInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The features in a plan."""

    model = PlanFeature
    form = LimitForm
    fields = ("feature", "limit")
    extra = 0
    show_title = False


@admin.register(Plan)
class PlanAdmin(BaseAdmin):
    """The plans.

    `sync_catalog` writes those its file names, and publishes all.
    """

    list_display = ("name", "key", "minimum_seats", "maximum_seats", "is_public")
    list_filter = ("is_public", "is_default")
    search_fields = ("name", "key")
    ordering = ("sort_order", "key")
    readonly_fields = ()
    inlines = (PriceInline, PlanFeatureInline)
    fieldsets = (
        (None, {"fields": ("name", "key", "description", "is_public", "is_default", "sort_order")}),
        (
            "Seats",
            {
                "fields": (
                    "billable_roles", "minimum_seats", "maximum_seats",
                    "bills_invitations", "addition_policy", "removal_policy", "drift_policy",
                )
            },
        ),
        ("Trial", {"fields": ("trial_days",)}),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save a plan, and recount the seats of the organizations that have it."""
        super().save_model(request, obj, form, change)
        reconcile.defer_reconciliations(reconcile.list_of_plan(obj))

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Return checkboxes for roles instead of a JSON field."""
        if db_field.name != "billable_roles":
            return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[no-any-return]
        return forms.MultipleChoiceField(
            choices=Role.choices,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            initial=default_billable_roles,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        """Keep the key, by which prices, files and the provider's product are found."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "key")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Refuse deletion of a plan that a subscription may have."""
        return False


@admin.register(Price)
class PriceAdmin(ReadOnly):
    """The prices.

    An amount never changes; a new one is a new row, published by `sync_catalog`.
    """

    list_display = ("lookup_key", "plan", "shown", "interval", "is_active", "is_on_sale")
    list_filter = ("plan", "interval", "is_active")
    list_select_related = ("plan",)
    search_fields = ("lookup_key", "=provider_prices__external_id")
    ordering = ("plan__sort_order", "lookup_key")
    readonly_fields = ("shown",)
    fields = ("lookup_key", "plan", "shown", "interval", "usage", "addition_policy", "is_active", "created_at")  # fmt: skip
    inlines = (ProviderPriceInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        """Return the prices with what they are sold as, in one more statement."""
        prices: QuerySet[Price] = super().get_queryset(request).prefetch_related("provider_prices")
        return prices

    @admin.display(description="on sale", boolean=True)
    def is_on_sale(self, price: Price) -> bool:
        """Return whether a provider sells it, which stops when it is archived there."""
        rows = price.provider_prices.all()
        return price.is_active and any(row.is_active and not row.archived_at for row in rows)

    @admin.display(description="amount", ordering="amount")
    def shown(self, price: Price) -> str:
        """Return the amount per seat and interval."""
        return format_amount(price.amount, price.currency)


@admin.register(Feature)
class FeatureAdmin(BaseAdmin):
    """The features that plans may contain, which code names by key."""

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
        """Keep the key, because code names it."""
        return () if obj is None else ("key",)


@admin.register(FeatureOverride)
class FeatureOverrideAdmin(BaseAdmin):
    """Exceptions for one organization, stronger than its plan."""

    form = LimitForm
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
        """Return who made the exception."""
        return override.created_by.email if override.created_by else EMPTY_VALUE

    def save_model(
        self,
        request: HttpRequest,
        obj: FeatureOverride,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Save with the member of staff as author."""
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
