"""Define the base of commands that call a vendor."""

import sys

from django.core.management.base import BaseCommand

from kit import outbound


class VendorCommand(BaseCommand):
    """Run a command, and report a vendor that is unavailable in one line instead of a traceback."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from a shell, and exit with the vendor's status and address, where they are known."""
        try:
            super().run_from_argv(argv)
        except outbound.VendorUnavailable as error:
            if "--traceback" in argv:
                raise
            sys.stderr.write(f"CommandError: {outbound.describe_failure(error)}\n")
            sys.exit(1)
