"""People, their membership in organizations, and the changes on their way to Stytch.

Stytch is the source of truth: Member and Invitation are replicas, written by `services.directory`.
"""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from identity.roles import Role
from kit.models import Record

# `email__lower=` compares as the unique indexes do, and by them. `iexact` compares the upper-case
# forms, and those of two letters may be one: U+0131, an i without its dot, is "I" like any other.
models.CharField.register_lookup(Lower)


class UserManager(BaseUserManager["User"]):
    """Finds staff by address for the admin's password form; people sign in through Stytch."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Only staff have passwords; addresses of other people may repeat while unverified."""
        return self.get(email__lower=(username or "").lower(), is_staff=True)

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        """A member of staff with every right of the admin (`manage.py createsuperuser`)."""
        user = self.model(email=email, is_staff=True, is_superuser=True)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin, Record):
    """A person, once, across organizations; or a member of staff, who is never a customer's.

    The address is verified once a session has shown an e-mail or OAuth factor for it. What only an
    organization's own directory says about a person stays an unverified User of its own.
    """

    email = models.EmailField(max_length=254)
    email_verified = models.BooleanField(default=False)
    last_used_email = models.EmailField(max_length=254, blank=True)
    name = models.CharField(max_length=255, blank=True)
    avatar_url = models.URLField(max_length=500, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=Q(email_verified=True, is_staff=False),
                name="user_verified_email_once",
            ),
            models.UniqueConstraint(
                Lower("email"), condition=Q(is_staff=True), name="user_staff_email_once"
            ),
        ]
        indexes = [models.Index(Lower("email"), name="user_email")]

    def __str__(self) -> str:
        return str(self.pk)

    def get_short_name(self) -> str:
        """The name the admin greets staff by."""
        return self.name or self.email


class ExternalIdentity(Record):
    """The same person in another directory (Mozilla accounts: provider `fxa`)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="external_identities")
    provider = models.CharField(max_length=32)
    subject = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="external_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.subject}"


class Status(models.TextChoices):
    """Where a member stands. Only active members may act; suspended is our own operators' word."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class MemberQuerySet(models.QuerySet["Member"]):
    """Questions about members; each starts from an organization or a user."""

    def of(self, organization: models.Model) -> Self:
        """The members of one organization, whatever their status."""
        return self.filter(organization_id=organization.pk)

    def active(self) -> Self:
        """Those who may act, and are paid for."""
        return self.filter(status=Status.ACTIVE)

    def with_roles(self, *roles: str) -> Self:
        """Those with one of these roles."""
        return self.filter(role__in=roles)

    def admins(self) -> Self:
        """Those an organization must never be without."""
        return self.active().with_roles(Role.ADMIN)


class Member(Record):
    """A person inside one organization, as Stytch last told it; carries its own address and name."""

    organization = models.ForeignKey(settings.TENANT_MODEL, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.PROTECT, related_name="members")
    stytch_member_id = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - a second directory has none
    email = models.EmailField(max_length=254)
    email_verified = models.BooleanField(default=False)
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=16, choices=Role)
    status = models.CharField(max_length=16, choices=Status)
    removed_at = models.DateTimeField(null=True, blank=True)
    # Stytch's own time of the last change we know of: an answer older than that is left aside.
    changed_at = models.DateTimeField(null=True, blank=True)
    # When a session last proved that this person reads the address; empty after a change of address.
    proved_at = models.DateTimeField(null=True, blank=True)
    # Linking would have merged two people: kept apart, for staff to look at.
    kept_apart_from = models.ForeignKey(
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
            models.Index("organization", Lower("email"), name="member_email"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_admin(self) -> bool:
        """Whether the role is admin."""
        return self.role == Role.ADMIN

    @property
    def is_active(self) -> bool:
        """Whether this member is one."""
        return self.status == Status.ACTIVE

    @property
    def may_act(self) -> bool:
        """Whether a session of this member is good: neither it nor its person is blocked."""
        return self.is_active and self.user.is_active


class InvitationStatus(models.TextChoices):
    """How an invitation ended, or that it has not."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Questions about invitations."""

    def of(self, organization: models.Model) -> Self:
        """The invitations of one organization."""
        return self.filter(organization_id=organization.pk)

    def open(self) -> Self:
        """Not closed yet, expired or not: what the address' uniqueness is about."""
        return self.filter(status=InvitationStatus.PENDING)

    def pending(self) -> Self:
        """Those that can still be accepted, hence reserve a seat."""
        return self.open().filter(expires_at__gt=timezone.now())

    def overdue(self) -> Self:
        """Those whose time is over and that nobody has closed yet."""
        return self.open().filter(expires_at__lte=timezone.now())

    def with_roles(self, *roles: str) -> Self:
        """Those that offer one of these roles."""
        return self.filter(role__in=roles)


class Invitation(Record):
    """An offer to become a member. At Stytch it is a member with status `invited`."""

    organization = models.ForeignKey(
        settings.TENANT_MODEL, models.CASCADE, related_name="invitations"
    )
    stytch_member_id = models.CharField(max_length=128)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=16, choices=Role)
    status = models.CharField(max_length=16, choices=InvitationStatus, default="pending")
    invited_by = models.ForeignKey(
        Member, models.SET_NULL, null=True, blank=True, related_name="invitations"
    )
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[InvitationQuerySet] = InvitationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=Q(status=InvitationStatus.PENDING),
                name="invitation_one_pending_per_address",
            ),
            models.UniqueConstraint(
                fields=["stytch_member_id"],
                condition=Q(status=InvitationStatus.PENDING),
                name="invitation_one_pending_per_stytch_member",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(status=InvitationStatus.ACCEPTED) ^ Q(accepted_at=None),
                name="invitation_accepted_at_when_accepted",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="invitation_page"),
            models.Index(
                fields=["expires_at"],
                condition=Q(status=InvitationStatus.PENDING),
                name="invitation_overdue",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def status_at(self, moment: datetime) -> InvitationStatus:
        """The status as a reader should see it, even when the task has not been by yet."""
        if self.status == InvitationStatus.PENDING and self.expires_at <= moment:
            return InvitationStatus.EXPIRED
        return InvitationStatus(self.status)


class IntentKind(models.TextChoices):
    """The changes we ask Stytch for."""

    RENAME_ORGANIZATION = "rename_organization"
    INVITE = "invite"
    RESEND = "resend"
    REVOKE = "revoke"
    CHANGE_ROLE = "change_role"
    REMOVE = "remove"
    REACTIVATE = "reactivate"


class IntentState(models.TextChoices):
    """How the change ended; lapsed means it turned out not to have happened."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    LAPSED = "lapsed"


class IntentQuerySet(models.QuerySet["Intent"]):
    """Questions about changes on their way; every check counts the open ones as done."""

    def of(self, organization: models.Model) -> Self:
        """The intents of one organization."""
        return self.filter(organization_id=organization.pk)

    def open(self) -> Self:
        """Those whose outcome is not known yet."""
        return self.filter(state=IntentState.OPEN)

    def orphaned(self) -> Self:
        """Those nobody is working on any more: the process died, or Stytch fell silent."""
        return self.open().filter(expires_at__lte=timezone.now())

    def taking_seats(self, *roles: str) -> Self:
        """Those that will take a seat in one of these roles which they do not hold yet."""
        return self.open().filter(role__in=roles).exclude(role_before__in=roles)

    def losing_admins(self) -> Self:
        """Those that will leave the organization with one admin less."""
        return self.open().filter(role_before=Role.ADMIN).exclude(role=Role.ADMIN)


class Intent(Record):
    """One change on its way to Stytch: who wants it, of what, and what it will be afterwards."""

    organization = models.ForeignKey(settings.TENANT_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=24, choices=IntentKind)
    # What is changed: "organization", "member:<Stytch id>" or "address:<e-mail>". One at a time.
    subject = models.CharField(max_length=300)
    caller = models.JSONField(default=dict)
    role_before = models.CharField(max_length=16, blank=True)
    role = models.CharField(max_length=16, blank=True)
    details = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=IntentState, default=IntentState.OPEN)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[IntentQuerySet] = IntentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "subject"],
                condition=Q(state=IntentState.OPEN),
                name="intent_one_open_per_subject",
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(state=IntentState.OPEN), name="intent_orphaned"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class RevokedSession(models.Model):
    """A session ended before its tokens did; kept until the last of them has run out."""

    session_id = models.CharField(max_length=128, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.session_id
