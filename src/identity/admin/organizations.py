"""The admin page of organizations without an admin, on which staff make a member one."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from identity.models import Member, MissingAdmin
from identity.roles import Role
from identity.services import members
from kit.admin.base import ReadOnly, act_as_staff, name_admin_page, state_badge
from kit.errors import Problem

MAX_CANDIDATES = 200


@admin.register(MissingAdmin)
class MissingAdminAdmin(ReadOnly):
    """Show which organizations have lost their last admin, and make a member an admin."""

    list_display = ("organization", "status_badge", "detected_at", "resolved_at")
    list_filter = ("detected_at",)
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__slug", "=organization__id")
    search_help_text = "Part of an organization's name or slug, or a whole id."
    ordering = ("-detected_at",)
    fields = readonly_fields = ("organization", "detected_at", "resolved_at")
    status_badge = state_badge("state", ordering="resolved_at")
    change_form_outer_before_template = "identity/admin/missing_admin.html"

    def heading(self, row: MissingAdmin) -> str:
        """Return the organization's name."""
        return f"{row.organization}"

    def has_promote_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to change members, which are read-only else."""
        return bool(request.user.has_perm("identity.change_member"))

    def get_urls(self) -> list[URLPattern]:
        """Add the address that the buttons of the page post to."""
        promote = self.admin_site.admin_view(require_POST(self.promote))
        own = path("<uuid:pk>/promote/", promote, name="identity_missingadmin_promote")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page with the members who may become an admin."""
        context = dict(extra_context or {})
        row = self.get_object(request, object_id)
        if row is not None and row.resolved_at is None and self.has_promote_permission(request):
            candidates = Member.objects.in_organization(row.organization).active()
            context["candidates"] = candidates.filter(user__is_active=True).order_by("created_at")[
                :MAX_CANDIDATES
            ]
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def promote(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Make the chosen member an admin, at the directory first, and show the page again."""
        if not self.has_promote_permission(request):
            raise PermissionDenied
        row = MissingAdmin.objects.select_related("organization").filter(pk=pk).first()
        if row is None:
            raise Http404
        try:
            with act_as_staff(request):
                member = members.change_role(
                    row.organization,
                    member_id=_parse_id(request.POST.get("member", "")),
                    role=Role.ADMIN,
                )
        except Problem as problem:
            self.message_user(
                request, f"Not done: {problem.detail or problem.title}", messages.ERROR
            )
        else:
            self.log_change(request, row, f"Made member {member.pk} an admin.")
            self.message_user(request, f"{member.email} is an admin now.", messages.SUCCESS)
        page = reverse(name_admin_page(MissingAdmin, "change"), args=[pk])
        return HttpResponseRedirect(page)


def _parse_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
