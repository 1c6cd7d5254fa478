"""Users, one row for each person across organizations."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q

from kit.addresses import normalize_email
from kit.models import EmailKeyField, Record


class UserManager(BaseUserManager["User"]):
    """Find staff by address for the admin's password form.

    Other people sign in through Stytch.
    """

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the member of staff with this address.

        Only staff have passwords.
        """
        return self.get(email_key=normalize_email(username or ""), is_staff=True)

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        """Create a member of staff with every right of the admin (`manage.py createsuperuser`)."""
        user = self.model(email=email, is_staff=True, is_superuser=True)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin, Record):
    """A person across organizations, or a member of staff, who belongs to no organization.

    The address is verified once a session has shown an e-mail or OAuth factor for it. What only an
    organization's own directory says about a person stays an unverified User of its own.
    """

    email = models.EmailField(max_length=254)
    email_key = EmailKeyField()
    email_verified = models.BooleanField(default=False)
    last_used_email = models.EmailField(max_length=254, blank=True)
    last_used_email_key = EmailKeyField(source="last_used_email")
    name = models.CharField(max_length=255, blank=True)
    avatar_url = models.URLField(max_length=500, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    # When staff last blocked this person. Kept after an unblock: sessions begun before stay refused.
    # A placeholder that replaces a blocked person carries the same time, and is unblocked with it.
    blocked_at = models.DateTimeField(null=True, blank=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email_key"],
                condition=Q(email_verified=True, is_staff=False),
                name="user_verified_email_once",
            ),
            models.UniqueConstraint(
                fields=["email_key"], condition=Q(is_staff=True), name="user_staff_email_once"
            ),
        ]
        indexes = [
            models.Index(fields=["email_key"], name="user_email"),
            models.Index(
                fields=["last_used_email_key"],
                condition=Q(is_active=False),
                name="user_blocked_email",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def get_short_name(self) -> str:
        """Return the name that the admin shows for staff."""
        return self.name or self.email
