"""The command `manage.py reset_second_factor`, for staff who lost app and recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from kit.addresses import normalize_email
from kit.staff import second_factor


class Command(BaseCommand):
    """Remove the second factor of one member of staff.

    In the admin a superuser does the same under “Second factors”.
    """

    help = "Removes a member of staff's second factor; the next sign-in sets up a new one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the address of the account."""
        parser.add_argument("email")

    def handle(self, *_: Any, email: str, **__: Any) -> None:
        """Remove authenticator and recovery codes."""
        users = get_user_model().objects.filter(email_key=normalize_email(email), is_staff=True)
        user = users.first()
        if user is None:
            raise CommandError(f"There is no member of staff {email!r}.")
        second_factor.reset_second_factor(user)
        self.stdout.write(f"{email}: the next sign-in sets up a new second factor")
