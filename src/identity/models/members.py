"""Members, the replica of a person inside one organization."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from identity.models.users import User
from identity.roles import Role
from kit.models import EmailKeyField, Record
from tenancy.models import OrganizationOwnedQuerySet


class Status(models.TextChoices):
    """The status of a member.

    Only active members may act. An admin of the organization suspends and restores.
    """

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class MemberQuerySet(OrganizationOwnedQuerySet["Member"]):
    """Queries about members, each from an organization or a user."""

    def active(self) -> Self:
        """Select those who may act and are paid for."""
        return self.filter(status=Status.ACTIVE)

    def with_roles(self, *roles: str) -> Self:
        """Select those with one of these roles."""
        return self.filter(role__in=roles)

    def admins(self) -> Self:
        """Select the active admins whose person is not blocked.

        An organization keeps one of them.
        """
        return self.active().with_roles(Role.ADMIN).filter(user__is_active=True)


class Member(Record):
    """A person inside one organization, with the address and name the directory gives it there."""

    organization = models.ForeignKey(settings.TENANT_MODEL, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.PROTECT, related_name="members")
    stytch_member_id = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - a second directory has none
    email = models.EmailField(max_length=254)
    email_key = EmailKeyField()
    email_verified = models.BooleanField(default=False)
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=16, choices=Role)
    status = models.CharField(max_length=16, choices=Status)
    removed_at = models.DateTimeField(null=True, blank=True)
    # Stytch's own time of the last change we know of: an answer older than that is left aside.
    changed_at = models.DateTimeField(null=True, blank=True)
    # When a session last proved that this person reads the address; empty after a change of address.
    proved_at = models.DateTimeField(null=True, blank=True)
    # When the directory last wrote another address: a factor from before does not prove this one.
    email_changed_at = models.DateTimeField(null=True, blank=True)
    # Kept through a removal, so that a member the directory creates again is still suspended.
    suspended_at = models.DateTimeField(null=True, blank=True)
    # When a removal or suspension last ended this member's sessions; older ones stay refused.
    sessions_ended_at = models.DateTimeField(null=True, blank=True)
    # The session of a sign-in recorded after that, where Stytch's clock cannot tell (whole seconds).
    readmitted_session_id = models.CharField(max_length=128, blank=True, editable=False)
    # Linking would have merged this person with the member's User; staff decide.
    merge_conflict_with = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects: ClassVar[MemberQuerySet] = MemberQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"],
                condition=~Q(status=Status.REMOVED),
                name="member_once_per_organization",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="member_role_known"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="member_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=Status.REMOVED) ^ Q(removed_at=None),
                name="member_removed_at_when_removed",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="member_page"),
            models.Index(fields=["organization", "email_key"], name="member_email"),
            # Seats are counted after every change of members: answered from the index alone.
            models.Index(
                fields=["organization", "role", "user"],
                condition=Q(status=Status.ACTIVE),
                name="member_seats",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_admin(self) -> bool:
        """Return whether the role is admin."""
        return self.role == Role.ADMIN

    @property
    def is_active(self) -> bool:
        """Return whether the member is active."""
        return self.status == Status.ACTIVE

    @property
    def may_act(self) -> bool:
        """Return whether neither the member nor its person is blocked."""
        return self.is_active and self.user.is_active

    @property
    def sessions_over_since(self) -> datetime | None:
        """Return when its sessions were last ended by a removal, a suspension or a block."""
        ends = (self.sessions_ended_at, self.user.blocked_at)
        return max((end for end in ends if end is not None), default=None)

    def accepts_session(self, session_id: str, started_at: datetime) -> bool:
        """Return whether a session may act, which it may not if it began before the last end.

        The directory's times are whole seconds, so one that seems to have begun before is accepted
        when our own sign-in recorded it afterwards.
        """
        ended_at = self.sessions_over_since
        is_newer = ended_at is None or started_at > ended_at
        return self.may_act and (is_newer or session_id == self.readmitted_session_id)
