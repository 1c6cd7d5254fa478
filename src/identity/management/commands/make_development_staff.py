"""The command `manage.py make_development_staff`, which creates a staff account on a laptop."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from identity.models import User
from kit.addresses import normalize_email


class Command(BaseCommand):
    """Create a superuser, or set its password again.

    Elsewhere use `createsuperuser`, which asks for a password.
    """

    help = "Makes a superuser with a password from a file; only with the sandbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the address and the file of the password."""
        parser.add_argument("email")
        parser.add_argument("password_file", type=Path, help="so that no process list shows it")

    def handle(self, *_: Any, email: str, password_file: Path, **__: Any) -> None:
        """Make the account, or give it its password back."""
        has_sandbox = settings.STYTCH_BASE_URL and settings.STRIPE_BASE_URL
        if settings.ENVIRONMENT != "development" or not has_sandbox:
            raise CommandError("Only in development and with the sandbox: use createsuperuser.")
        password = password_file.read_text().strip()
        user = User.objects.filter(email_key=normalize_email(email), is_staff=True).first()
        if user is None:
            User.objects.create_superuser(email=email, password=password)
        elif not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password", "updated_at"])
        self.stdout.write(f"{email} may open the admin.")
