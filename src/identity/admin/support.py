"""The admin pages of support access, the only ones that show an organization's own data."""

from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from identity.models import SupportAccess
from identity.services import support_access
from identity.services.support_access import SupportAccessRequired
from kit.admin.base import BADGE_COLORS, BaseAdmin, act_as_staff, name_admin_page
from kit.ids import parse_uuid

MIN_REASON_CHARACTERS: Final = 10
HOURS: Final = ((1, "1 hour"), (4, "4 hours"), (8, "8 hours"))


class SupportAccessForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at runtime
    """Ask which organization to read, why and for how long."""

    reason = forms.CharField(
        min_length=MIN_REASON_CHARACTERS,
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="The organization's admins read it in their audit trail, with your name.",
    )
    hours = forms.TypedChoiceField(
        coerce=int, choices=HOURS, initial=1, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = SupportAccess
        fields = ("organization", "reason")


@admin.register(SupportAccess)
class SupportAccessAdmin(BaseAdmin):
    """Open support access with a reason, read the audit trail with it, and end it."""

    form = SupportAccessForm
    list_display = (
        "organization",
        "staff_email",
        "reason",
        "status_badge",
        "created_at",
        "expires_at",
    )
    list_filter = ("created_at",)
    list_select_related = ("organization", "staff")
    search_fields = ("organization__slug", "organization__name", "staff__email", "reason")
    search_help_text = (
        "Part of an organization's name or slug, of a staff address or of the reason."
    )
    ordering = ("-created_at",)
    autocomplete_fields: ClassVar = ("organization",)
    actions = ("end_access",)
    change_form_outer_before_template = "identity/admin/support_access.html"
    fieldsets = (
        (None, {"fields": ("organization", "staff_email", "reason", "status_badge")}),
        ("Times", {"fields": ("id", "created_at", "expires_at", "ended_at")}),
    )
    add_fieldsets = ((None, {"fields": ("organization", "reason", "hours")}),)
    readonly_fields = ("staff_email", "status_badge")

    @admin.display(description="staff", ordering="staff__email")
    def staff_email(self, access: SupportAccess) -> str:
        """Return the address of the member of staff who may read."""
        return access.staff.email

    @display(description="state", label=BADGE_COLORS)  # type: ignore[untyped-decorator]  # unfold ships no types
    def status_badge(self, access: SupportAccess) -> str:
        """Return whether the access is open."""
        return access.state

    def heading(self, row: SupportAccess) -> str:
        """Return the organization's name."""
        return f"Support access to {row.organization}"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields to fill in, or those to read."""
        return self.add_fieldsets if obj is None else super().get_fieldsets(request, obj)

    def save_model(self, request: HttpRequest, obj: SupportAccess, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        """Open access for the member of staff who asks."""
        with act_as_staff(request):
            granted = support_access.grant_access(
                organization_id=obj.organization_id,
                staff=request.user,  # type: ignore[arg-type]  # the admin is for staff
                reason=obj.reason,
                duration=timedelta(hours=form.cleaned_data["hours"]),
            )
        obj.pk = granted.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: SupportAccess, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the access that was opened, with the organization's events."""
        super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(
            reverse(name_admin_page(SupportAccess, "change"), args=[obj.pk])
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the access, and the organization's events while it is open and one's own."""
        context = dict(extra_context or {})
        row = self.get_object(request, object_id)
        if row is not None and self.has_view_permission(request, row):
            context |= _read_trail(request, row)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    @admin.action(description="End support access", permissions=["add"])
    def end_access(self, request: HttpRequest, queryset: QuerySet[SupportAccess]) -> None:
        """End the chosen accesses now."""
        with act_as_staff(request):
            ended = sum(support_access.end_access(row.pk) for row in queryset)
        self.message_user(request, f"{ended} ended.", messages.SUCCESS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False, because an access is opened and ended only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False, because what was granted stays on record."""
        return False


def _read_trail(request: HttpRequest, access: SupportAccess) -> dict[str, Any]:
    """Return the events for the page, or why there are none."""
    try:
        events, has_more = support_access.read_events(
            access.pk,
            staff=request.user,  # type: ignore[arg-type]  # the admin is for staff
            before=parse_uuid(request.GET.get("before", "")),
        )
    except SupportAccessRequired:
        return {"is_refused": True}
    return {"events": events, "before": events[-1].pk if has_more else None}
