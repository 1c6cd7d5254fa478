"""Refuse commands of django-tenants that would bypass this project's own way to do the same."""

from argparse import REMAINDER, ArgumentParser
from typing import ClassVar, Never

from django.core.management.base import BaseCommand, CommandError


class RefusedCommand(BaseCommand):
    """Refuse to run, with a sentence that names what to use instead."""

    instead: ClassVar[str]
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Accept every argument, so that the refusal is all that is printed."""
        parser.add_argument("arguments", nargs=REMAINDER)

    def run_from_argv(self, argv: list[str]) -> None:
        """Ignore the options of the original command, which the parser does not know."""
        super().run_from_argv(argv[:2])

    def handle(self, *_: object, **__: object) -> Never:
        """Raise CommandError with what to use instead."""
        raise CommandError(self.instead)
