"""Admin pages of organizations, to look up, suspend and restore them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from kit.admin.base import BaseAdmin, ReadOnly, act_as_staff, get_options, state_badge
from tenancy import locks
from tenancy.models import Organization, TenantSchema
from tenancy.services import organizations

STAFF_FIELDS = ("state", "suspension_reason")
STAFF_STATES = (Organization.State.ACTIVE, Organization.State.SUSPENDED)


class OrganizationForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at runtime
    """Ask for a reason when an organization is suspended."""

    def clean(self) -> dict[str, Any]:
        """Refuse a suspension without a reason, which its admins are told."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        suspends = cleaned.get("state") == Organization.State.SUSPENDED
        if suspends and "state" in self.changed_data and not cleaned.get("suspension_reason"):
            self.add_error("suspension_reason", "State why: the organization's admins read it.")
        return cleaned


@admin.register(Organization)
class OrganizationAdmin(BaseAdmin):
    """Everything but the state is Stytch's to change."""

    form = OrganizationForm
    list_display = ("name", "slug", "status_badge", "created_at")
    list_filter = ("state", "created_at")
    search_fields = ("name", "slug", "=id", "=stytch_org_id")
    search_help_text = "Part of the name or slug, or a whole id, ours or Stytch's."
    ordering = ("-created_at",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "state", "suspension_reason", "related")}),
        ("Identifiers", {"fields": ("id", "stytch_org_id", "schema_name")}),
        ("Times", {"fields": ("created_at", "updated_at", "state_changed_at", "deleted_at")}),
    )
    status_badge = state_badge("state")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002 - Django's signature
        """Return all fields, and the state too once staff may not change it."""
        fixed = tuple(
            field.name
            for field in get_options(Organization).fields
            if field.name not in STAFF_FIELDS
        )
        mutable = obj is not None and obj.state in STAFF_STATES
        return (*fixed, "related") if mutable else (*fixed, "related", *STAFF_FIELDS)

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Offer active and suspended only, because processes set the other states."""
        kwargs["choices"] = [(state.value, state.label) for state in STAFF_STATES]
        kwargs["help_text"] = "While suspended, every call of its members is refused with 403."
        return super().formfield_for_choice_field(db_field, request, **kwargs)  # type: ignore[no-any-return]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Say who reads the reason of a suspension."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "suspension_reason" and field is not None:
            field.help_text = "Mailed to the organization's admins when it is suspended."
        return field

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """Suspend or restore under the lock, with an entry in its audit trail."""
        organization = locks.lock_organization(obj.pk)
        with act_as_staff(request):
            if obj.state == Organization.State.SUSPENDED:
                organizations.suspend_organization(organization, reason=obj.suspension_reason)
            else:
                organizations.restore_organization(organization)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Return False, because organizations come from Stytch."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False, because deletion is a process."""
        return False


@admin.register(TenantSchema)
class TenantSchemaAdmin(ReadOnly):
    """Show the schema pool."""

    list_display = ("name", "status_badge", "created_at", "claimed_at")
    list_filter = ("state",)
    search_fields = ("name",)
    ordering = ("-created_at",)
    fields = (
        "name", "state", "digest", "created_at", "reserved_until", "reserved_slug", "claimed_at",
    )  # fmt: skip
    status_badge = state_badge("state")
