"""People and members as staff see them: to look up and to block; the rest follows Stytch."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm

from identity.models import ExternalIdentity, Intent, Invitation, Member, RevokedSession, User


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """A replica: changed at Stytch, looked at here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Rows come from Stytch."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Only services write."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Only services write."""
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # unfold ships no types
    """Staff are made and given rights here; other people can be blocked."""

    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "email_verified", "is_active", "is_staff", "created_at")
    list_filter = ("is_staff", "is_active", "email_verified")
    search_fields = ("email", "name", "id")
    ordering = ("-created_at",)
    readonly_fields = ("id", "email_verified", "last_used_email", "last_login", "created_at")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("id", "email", "email_verified", "last_used_email", "password")}),
        ("Person", {"fields": ("name", "avatar_url", "timezone")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "is_staff", "password1", "password2")}),)


class KeptApart(admin.SimpleListFilter):
    """Members that linking would have merged with somebody else."""

    title = "kept apart"
    parameter_name = "kept_apart"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """One choice."""
        return [("yes", "Kept apart")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The collisions to look at."""
        return queryset.exclude(kept_apart_from=None) if self.value() else queryset


@admin.register(Member)
class MemberAdmin(ReadOnly):
    """Members of all organizations."""

    list_display = ("email", "organization", "role", "status", "created_at")
    list_filter = ("role", "status", KeptApart)
    list_select_related = ("organization",)
    search_fields = ("email", "name", "id", "stytch_member_id", "organization__slug")
    ordering = ("-created_at",)


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    """Invitations of all organizations."""

    list_display = ("email", "organization", "role", "status", "expires_at")
    list_filter = ("status", "role")
    list_select_related = ("organization",)
    search_fields = ("email", "id", "stytch_member_id", "organization__slug")
    ordering = ("-created_at",)


@admin.register(Intent)
class IntentAdmin(ReadOnly):
    """Changes on their way to Stytch, and how they ended."""

    list_display = ("kind", "organization", "state", "created_at", "closed_at")
    list_filter = ("state", "kind")
    list_select_related = ("organization",)
    search_fields = ("id", "organization__slug")
    ordering = ("-created_at",)


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnly):
    """The same people in other directories."""

    list_display = ("provider", "subject", "user")
    search_fields = ("subject", "user__email")


@admin.register(RevokedSession)
class RevokedSessionAdmin(ReadOnly):
    """Sessions ended before their time."""

    list_display = ("session_id", "expires_at")
