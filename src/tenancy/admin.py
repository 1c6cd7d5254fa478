"""Organizations as staff see them: to look up, suspend and restore; the rest follows Stytch."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from kit.admin.base import ReadOnly, Staffed, acting, badge, options
from tenancy import locks
from tenancy.models import Organization, TenantSchema
from tenancy.services import organizations

STAFF_STATES = (Organization.State.ACTIVE, Organization.State.SUSPENDED)


@admin.register(Organization)
class OrganizationAdmin(Staffed):
    """Everything but the state is Stytch's to change."""

    list_display = ("name", "slug", "standing", "created_at")
    list_filter = ("state", "created_at")
    search_fields = ("name", "slug", "=id", "=stytch_org_id")
    search_help_text = "Part of the name or slug, or a whole id, ours or Stytch's."
    ordering = ("-created_at",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "state", "related")}),
        ("Identifiers", {"fields": ("id", "stytch_org_id", "schema_name")}),
        ("Times", {"fields": ("created_at", "updated_at", "deleted_at")}),
    )
    standing = badge("state")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002 - Django's signature
        """All of it; the state too, once it is not staff's to change."""
        fixed = tuple(field.name for field in options(Organization).fields if field.name != "state")
        mutable = obj is not None and obj.state in STAFF_STATES
        return (*fixed, "related") if mutable else (*fixed, "related", "state")

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Suspended or not; the other states are moments of a process."""
        kwargs["choices"] = [(state.value, state.label) for state in STAFF_STATES]
        kwargs["help_text"] = "While suspended, every call of its members is refused with 403."
        return super().formfield_for_choice_field(db_field, request, **kwargs)  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """Suspend or restore under the lock, with an entry in its audit trail."""
        organization = locks.organization(obj.pk)
        with acting(request):
            if obj.state == Organization.State.SUSPENDED:
                organizations.suspend(organization)
            else:
                organizations.restore(organization)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Organizations come from Stytch."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Deleting is a process, not a click."""
        return False


@admin.register(TenantSchema)
class TenantSchemaAdmin(ReadOnly):
    """The stock, to look at."""

    list_display = ("name", "standing", "created_at", "claimed_at")
    list_filter = ("state",)
    search_fields = ("name",)
    ordering = ("-created_at",)
    fields = (
        "name", "state", "digest", "created_at", "reserved_until", "reserved_slug", "claimed_at",
    )  # fmt: skip
    standing = badge("state")
