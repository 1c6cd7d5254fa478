"""Define the base of commands that call a vendor."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kit import outbound


class VendorCommand(BaseCommand):
    """Run a command, and report a vendor that is unavailable in one line instead of a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:  # noqa: ANN401 - Django's own
        """Run. Raises CommandError with the vendor's status and address, where they are known."""
        try:
            return super().execute(*args, **options)
        except outbound.VendorUnavailable as error:
            raise CommandError(outbound.describe_failure(error)) from None
