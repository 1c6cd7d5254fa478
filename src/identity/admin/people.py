"""The admin pages of people and members, which follow Stytch and are looked up here.

Staff may block a person.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from identity.models import (
    Invitation,
    Member,
    PendingChange,
    RevokedSession,
    User,
)
from identity.sync import users
from kit.admin.base import (
    EMPTY_VALUE,
    BaseAdmin,
    ReadOnly,
    format_actor,
    format_structured,
    link_to_row,
    state_badge,
)

READ_ONLY_USER_FIELDS = (
    "id", "email_verified", "last_used_email", "last_login", "blocked_at", "created_at", "updated_at",
)  # fmt: skip
STAFF_PERMISSION_FIELDS = ("is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, BaseAdmin):  # type: ignore[type-arg]  # the stubs' User is generic
    """Create staff and give them rights.

    Block other people.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "status_badge", "created_at", "last_login")
    list_filter = ("is_staff", "is_active", "email_verified")
    search_fields = ("email", "name", "=id")
    search_help_text = "Part of an address or a name, or a whole id."
    ordering = ("-created_at",)
    filter_horizontal = ("groups", "user_permissions")
    add_fieldsets = (
        (
            None,
            {
                "description": "A member of staff, who signs in here. Customers' people come from Stytch.",
                "fields": ("email", "name", "password1", "password2"),
            },
        ),
    )

    @display(description="status", label={"staff": "info", "blocked": "danger"})  # type: ignore[untyped-decorator]  # unfold ships no types
    def status_badge(self, user: User) -> str:
        """Return what is unusual about this person."""
        if not user.is_active:
            return "blocked"
        if user.is_staff:
            return "staff"
        return "verified" if user.email_verified else "unverified"

    def heading(self, row: User) -> str:
        """Return the address."""
        return row.email

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return a password and rights for staff alone, since other people sign in through Stytch."""
        if obj is None:
            return super().get_fieldsets(request, obj)
        times = ("id", "last_used_email", "last_login", "blocked_at", "created_at", "updated_at")
        more = ("More", {"fields": times})
        if obj.is_staff:
            account = (None, {"fields": ("email", "name", "password", "is_active")})
            return [account, ("Rights", {"fields": STAFF_PERMISSION_FIELDS}), more]
        person = ("email", "email_verified", "name", "timezone", "related", "is_active")
        return [(None, {"fields": person}), more]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the fixed fields.

        Only a superuser gives rights, and Stytch renames people.
        """
        fixed = list(READ_ONLY_USER_FIELDS)
        if obj is not None and not obj.is_staff:
            fixed += ["email", "name", "timezone", "related"]
        if not request.user.is_superuser:
            fixed += STAFF_PERMISSION_FIELDS
        return tuple(fixed)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save a member of staff, or block or unblock a person.

        No one becomes staff later.
        """
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            (users.unblock_user if obj.is_active else users.block_user)(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Refuse deletion, because what people did must keep its author."""
        return False


class MergeConflictFilter(admin.SimpleListFilter):
    """Filter the members that linking would have merged with another person."""

    title = "merge conflict"
    parameter_name = "merge_conflict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return the one choice."""
        return [("yes", "With a merge conflict")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Return the conflicts to look at."""
        return queryset.exclude(merge_conflict_with=None) if self.value() else queryset


class OrganizationOwnedAdmin(ReadOnly):
    """Rows that belong to an organization."""

    list_select_related = ("organization",)
    ordering = ("-created_at",)
    status_badge = state_badge("status")

    def heading(self, row: Any) -> str:
        """Return the address it is about."""
        return str(row.email)


@admin.register(Member)
class MemberAdmin(OrganizationOwnedAdmin):
    """Members of all organizations."""

    list_display = ("email", "name", "organization", "role", "status_badge", "created_at")
    list_filter = ("role", "status", MergeConflictFilter)
    search_fields = ("email", "name", "=id", "=stytch_member_id", "organization__slug")
    search_help_text = "Part of an address, a name or an organization's slug, or a whole id."
    fieldsets = (
        (None, {"fields": ("email", "email_verified", "name", "organization", "role", "status", "person")}),
        ("Identifiers", {"fields": ("id", "stytch_member_id", "other")}),
        ("Times", {"fields": ("created_at", "updated_at", "changed_at", "proved_at", "email_changed_at", "suspended_at", "removed_at", "sessions_ended_at")}),
    )  # fmt: skip
    readonly_fields = ("person", "other")

    @admin.display(description="user")
    def person(self, member: Member) -> SafeString:
        """Return a link to the person across organizations."""
        return link_to_row(member.user, text=member.user.email)

    @admin.display(description="merge conflict with")
    def other(self, member: Member) -> SafeString | str:
        """Return a link to the person that linking would have merged it with."""
        apart = member.merge_conflict_with
        return link_to_row(apart, text=apart.email) if apart else EMPTY_VALUE


@admin.register(Invitation)
class InvitationAdmin(OrganizationOwnedAdmin):
    """Invitations of all organizations."""

    list_display = ("email", "organization", "role", "status_badge", "sent_at", "expires_at")
    list_filter = ("status", "role")
    search_fields = ("email", "=id", "=stytch_member_id", "organization__slug")
    search_help_text = "Part of an address or an organization's slug, or a whole id."
    fieldsets = (
        (None, {"fields": ("email", "name", "organization", "role", "status", "inviter")}),
        ("Identifiers", {"fields": ("id", "stytch_member_id")}),
        ("Times", {"fields": ("created_at", "sent_at", "expires_at", "accepted_at")}),
    )
    readonly_fields = ("inviter",)

    @admin.display(description="invited by")
    def inviter(self, invitation: Invitation) -> SafeString | str:
        """Return a link to the inviting member, if a member invited."""
        member = invitation.invited_by
        return link_to_row(member, text=member.email) if member else EMPTY_VALUE


@admin.register(PendingChange)
class PendingChangeAdmin(OrganizationOwnedAdmin):
    """Changes on their way to Stytch, and how they ended."""

    list_display = ("kind", "subject", "organization", "status_badge", "created_at", "closed_at")
    list_filter = ("state", "kind")
    search_fields = ("=id", "subject", "organization__slug")
    search_help_text = "Part of what is changed or of an organization's slug, or a whole id."
    fieldsets = (
        (None, {"fields": ("kind", "subject", "organization", "state", "role_before", "role", "asked")}),
        ("Details", {"fields": ("more",)}),
        ("Times", {"fields": ("id", "created_at", "expires_at", "closed_at")}),
    )  # fmt: skip
    readonly_fields = ("asked", "more")
    status_badge = state_badge("state")

    def heading(self, row: PendingChange) -> str:
        """Return what is to be changed."""
        return f"{row.get_kind_display()} {row.subject}"

    @admin.display(description="asked by")
    def asked(self, change: PendingChange) -> str:
        """Return who asked for the change."""
        return format_actor(change.actor)

    @admin.display(description="details")
    def more(self, change: PendingChange) -> SafeString:
        """Return what else the change carries."""
        return format_structured(change.details)


@admin.register(RevokedSession)
class RevokedSessionAdmin(ReadOnly):
    """Sessions ended before their time."""

    list_display = ("session_id", "expires_at")
    search_fields = ("=session_id",)
    ordering = ("-expires_at",)
