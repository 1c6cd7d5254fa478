"""Organizations as staff see them: to look up, suspend and restore; the rest follows Stytch."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from tenancy.models import Organization, TenantSchema


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Everything but the state is Stytch's to change."""

    list_display = ("name", "slug", "state", "created_at")
    list_filter = ("state",)
    search_fields = ("name", "slug", "stytch_org_id")
    readonly_fields = (
        "id", "name", "slug", "stytch_org_id", "schema_name", "created_at", "updated_at", "deleted_at",
    )  # fmt: skip
    fields = ("state", *readonly_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Organizations come from Stytch."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Deleting is a process, not a click."""
        return False


@admin.register(TenantSchema)
class TenantSchemaAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """The stock, to look at."""

    list_display = ("name", "state", "created_at", "claimed_at")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """The stock fills itself."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Only services change the stock."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """A schema is dropped by its organization's deletion alone."""
        return False
