"""The admin pages of customers, subscriptions and invoices, which the provider changes."""

from datetime import datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.admin.base import BY_ORGANIZATION, BillingAdmin
from billing.errors import SubscriptionNotChangeable
from billing.models import Customer, Invoice, Subscription
from billing.money import format_amount
from billing.subscriptions import subscriptions
from kit.admin.base import EMPTY_VALUE, act_as_staff


@admin.register(Customer)
class CustomerAdmin(BillingAdmin):
    """Show the customers, which are organizations with their billing profile."""

    list_display = (
        "organization",
        "billing_name",
        "billing_email",
        "billing_country",
        "external_id",
    )
    list_filter = ("vat_status", "billing_country")
    search_fields = (*BY_ORGANIZATION, "billing_name", "billing_email", "=external_id")
    readonly_fields = ("billing_page",)
    fieldsets = (
        (None, {"fields": ("organization", "billing_page", "external_id", "provider", "created_at", "updated_at")}),
        (
            "Invoices print",
            {
                "fields": (
                    "billing_name", "billing_email", "billing_address_line1",
                    "billing_address_line2", "billing_postal_code", "billing_city",
                    "billing_state", "billing_country",
                )
            },
        ),
        ("VAT", {"fields": ("vat_id", "vat_status", "external_tax_id")}),
    )  # fmt: skip


@admin.register(Subscription)
class SubscriptionAdmin(BillingAdmin):
    """Agreements, past and present."""

    list_display = (
        "organization",
        "plan",
        "status_badge",
        "quantity",
        "current_period_end",
        "ends",
    )
    list_filter = (
        "status", "price__plan", "cancel_at_period_end", "is_collection_paused", "is_surplus",
        ("missing_since", admin.EmptyFieldListFilter),
    )  # fmt: skip
    actions = ("end_missing",)
    list_select_related = ("organization", "price__plan")
    search_fields = (*BY_ORGANIZATION, "=external_id")
    ordering = ("-started_at",)
    readonly_fields = ("billing_page", "plan", "ends")
    fieldsets = (
        (None, {"fields": ("organization", "billing_page", "plan", "status", "is_active", "quantity", "is_surplus")}),
        (
            "Period",
            {
                "fields": (
                    "paid_seats", "purchased_seats", "current_period_start", "current_period_end",
                    "cancel_at_period_end", "cancel_at", "trial_end", "past_due_since",
                    "is_collection_paused",
                )
            },
        ),
        (
            "At the provider",
            {"fields": ("provider", "external_id", "price", "external_price_id", "external_item_id", "seat_item", "missing_since")},
        ),
        ("Times", {"fields": ("started_at", "ended_at", "active_since", "inactive_since", "pulled_at")}),
    )  # fmt: skip

    @admin.action(
        description="End here what the provider does not know any more", permissions=["end"]
    )
    def end_missing(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> None:
        """End the chosen subscriptions that are marked as missing, and say which were not."""
        with act_as_staff(request):
            for row in queryset.order_by("pk"):
                try:
                    subscriptions.end_missing(row)
                except SubscriptionNotChangeable as refusal:
                    self.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to change subscriptions, whose pages stay read-only."""
        return bool(request.user.has_perm("billing.change_subscription"))

    @admin.display(description="plan", ordering="price__plan__name")
    def plan(self, subscription: Subscription) -> str:
        """Return the plan."""
        return str(subscription.plan or EMPTY_VALUE)

    @admin.display(description="ends at")
    def ends(self, subscription: Subscription) -> datetime | None:
        """Return when it ends, if that is decided."""
        return subscription.ends_at


@admin.register(Invoice)
class InvoiceAdmin(BillingAdmin):
    """The invoices.

    The address of an invoice's page opens it for anyone, so it is not shown.
    """

    list_display = ("number", "organization", "status_badge", "amount", "issued_at", "attempts")
    list_filter = ("status", "currency", "issued_at")
    search_fields = (*BY_ORGANIZATION, "number", "=external_id")
    ordering = ("-issued_at",)
    readonly_fields = ("amount", "tax_amount", "due", "credited_amount")
    fields = ("number", "organization", "status", "amount", "tax_amount", "due", "credited_amount", "attempts", "subscription", "external_id", "issued_at", "updated_at")  # fmt: skip

    @admin.display(description="total", ordering="total")
    def amount(self, invoice: Invoice) -> str:
        """Return the total with its currency."""
        return format_amount(invoice.total, invoice.currency)

    @admin.display(description="of which tax")
    def tax_amount(self, invoice: Invoice) -> str:
        """Return the tax that the total contains."""
        return format_amount(invoice.tax, invoice.currency)

    @admin.display(description="credited")
    def credited_amount(self, invoice: Invoice) -> str:
        """Return what credit notes took off or gave back."""
        return format_amount(invoice.credited, invoice.currency)

    @admin.display(description="amount due")
    def due(self, invoice: Invoice) -> str:
        """Return what is still to be paid, nothing of an invoice that is paid or void."""
        is_closed = invoice.status in (Invoice.Status.PAID, Invoice.Status.VOID)
        return format_amount(0 if is_closed else invoice.amount_due, invoice.currency)
