"""The command `manage.py promote_member`, which gives an organization an admin again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from identity.models import Member
from identity.roles import Role
from identity.services import members
from kit import actor
from kit.actor import Actor
from kit.addresses import normalize_email
from kit.errors import Problem
from tenancy.models import Organization


class Command(BaseCommand):
    """For the organization whose last admin the directory has removed."""

    help = "Makes an active member an admin, at Stytch first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the organization and the member's address."""
        parser.add_argument("organization", help="slug or id")
        parser.add_argument("email", help="the member's address")

    def handle(self, *_: Any, organization: str, email: str, **__: Any) -> None:
        """Promote one member."""
        found = Organization.objects.live().referred_to(organization).first()
        if found is None:
            raise CommandError(f"There is no organization {organization!r}.")
        member = (
            Member.objects.in_organization(found)
            .active()
            .filter(email_key=normalize_email(email))
            .first()
        )
        if member is None:
            raise CommandError("It has no active member with this address.")
        with actor.act_as(Actor(kind="operator", id="promote_member")):
            try:
                members.change_role(found, member_id=member.pk, role=Role.ADMIN)
            except Problem as problem:
                raise CommandError(f"{problem.title}: {problem.detail}") from None
        self.stdout.write(f"{found.slug}: {member.pk} is an admin now")
