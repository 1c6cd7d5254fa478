"""The admin page that explains one organization's billing and offers what repairs it."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from billing.inspection import diagnoses, remedies
from billing.inspection.diagnosis import Remedy
from billing.inspection.facts import BillingFacts
from billing.models import OrganizationBilling
from kit.admin.base import BADGE_COLORS, EMPTY_VALUE, ReadOnly, act_as_staff, name_admin_page
from kit.errors import Problem
from kit.outbound import VendorNotFound, VendorRejected
from tenancy.models import Organization

type Badge = tuple[str, str]


@admin.register(OrganizationBilling)
class OrganizationBillingAdmin(ReadOnly):
    """Compare an organization's billing with its provider, and offer what repairs it."""

    list_display = (
        "name",
        "slug",
        "plan",
        "subscription_status",
        "seat_state",
        "counted",
        "billed",
    )
    list_filter = ("seats__state", "seats__mode", "subscription__status")
    list_select_related = ("subscription__price__plan", "seats")
    search_fields = (
        "name", "slug", "=id", "=customer__external_id", "=subscriptions__external_id",
    )  # fmt: skip
    search_help_text = "Part of the name or slug, or a whole id, ours or the provider's."
    ordering = ("name", "id")
    fieldsets = ((None, {"fields": ("name", "slug", "state", "related")}),)
    readonly_fields = ("related",)
    change_form_outer_before_template = "billing/admin/organization_billing.html"

    @admin.display(description="plan")
    def plan(self, row: OrganizationBilling) -> str:
        """Return the plan of the current subscription."""
        current = getattr(row, "subscription", None)
        return str((current.plan if current else None) or EMPTY_VALUE)

    @display(description="subscription", label=BADGE_COLORS)  # type: ignore[untyped-decorator]  # unfold ships no types
    def subscription_status(self, row: OrganizationBilling) -> Badge:
        """Return the status of the current subscription."""
        current = getattr(row, "subscription", None)
        return _build_badge(current.status if current else "")

    @display(description="seats", ordering="seats__state", label=BADGE_COLORS)  # type: ignore[untyped-decorator]  # unfold ships no types
    def seat_state(self, row: OrganizationBilling) -> Badge:
        """Return the stored state of the seats."""
        seats = getattr(row, "seats", None)
        return _build_badge(seats.state if seats else "")

    @admin.display(description="counted", ordering="seats__counted")
    def counted(self, row: OrganizationBilling) -> int | None:
        """Return the seats that were counted last."""
        seats = getattr(row, "seats", None)
        return seats.counted if seats else None

    @admin.display(description="billed", ordering="seats__provider_quantity")
    def billed(self, row: OrganizationBilling) -> int | None:
        """Return the quantity that was read last from the provider."""
        seats = getattr(row, "seats", None)
        return seats.provider_quantity if seats else None

    def has_repair_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to change the billing of organizations, which is read-only else."""
        return bool(request.user.has_perm("billing.change_organizationbilling"))

    def get_urls(self) -> list[URLPattern]:
        """Add the address that the buttons of the page post to."""
        repair = self.admin_site.admin_view(require_POST(self.repair))
        own = path("<uuid:pk>/repair/", repair, name="billing_organizationbilling_repair")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page with a comparison made now."""
        context = dict(extra_context or {})
        row = self.get_object(request, object_id)
        if row is not None and self.has_view_permission(request, row):
            facts = BillingFacts.read(Organization.objects.get(pk=row.pk))
            context |= {
                "facts": facts,
                "diagnoses": diagnoses.diagnose(facts),
                "may_repair": self.has_repair_permission(request),
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def repair(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Carry out the action of the button that was pressed, and show the page again."""
        if not self.has_repair_permission(request):
            raise PermissionDenied
        organization = Organization.objects.filter(pk=pk).first()
        remedy = request.POST.get("remedy", "")
        if organization is None or remedy not in Remedy.values:
            raise Http404
        self._apply_remedy(request, organization, Remedy(remedy))
        page = reverse(name_admin_page(OrganizationBilling, "change"), args=[pk])
        return HttpResponseRedirect(page)

    def _apply_remedy(
        self, request: HttpRequest, organization: Organization, remedy: Remedy
    ) -> None:
        try:
            with act_as_staff(request):
                remedies.apply_remedy(remedy, organization)
        except Problem as problem:
            self.message_user(request, f"Not done: {problem.detail}", messages.ERROR)
        except (VendorRejected, VendorNotFound) as refusal:
            self.message_user(request, f"The provider refused: {refusal.code}", messages.ERROR)
        else:
            row = OrganizationBilling.objects.get(pk=organization.pk)
            self.log_change(request, row, f"{remedy.label}.")
            self.message_user(request, f"Done: {remedy.label}.", messages.SUCCESS)


def _build_badge(value: str) -> Badge:
    return value or EMPTY_VALUE, (value or EMPTY_VALUE).replace("_", " ")
