"""Command `manage.py test`, which names the commands that run the tests."""

from typing import Any, Never

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Name the commands that run the tests, which need a database and the sandbox."""

    help = "Refused; tests run with `make test`, or with `pytest` in the activated .venv."
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Ignore the options of Django's command, which the parser does not know."""
        super().run_from_argv(argv[:2])

    def handle(self, *_: Any, **__: Any) -> Never:
        """Raise CommandError with the commands."""
        raise CommandError(
            'Tests run with pytest: `make test`, `make test ARGS="tests/tenancy -k spare"`, or plain'
            " `pytest` in the activated .venv (docs/guides/testing.md)."
        )
