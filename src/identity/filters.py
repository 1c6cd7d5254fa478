"""What lists of members and invitations may be asked for."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters

from identity.models import Invitation, InvitationStatus, Member, Status
from identity.roles import Role
from kit.addresses import normalize_email


class AddressFilter(filters.FilterSet):  # type: ignore[misc]  # ships no types
    """Rows with an address of their own."""

    def at(self, rows: QuerySet[Any], _: str, address: str) -> QuerySet[Any]:
        """Select the rows with this address, by the index on its normal form."""
        return rows.filter(email_key=normalize_email(address))


class MemberFilter(AddressFilter):
    """Members by role, status, address, or the beginning of a name or address."""

    role = filters.ChoiceFilter(choices=Role.choices, help_text="Members with this role.")
    status = filters.ChoiceFilter(choices=Status.choices, help_text="In this status.")
    email = filters.CharFilter(
        method="at", max_length=254, help_text="With this address, in any case."
    )
    search = filters.CharFilter(
        method="begins", max_length=100, help_text="Whose name or address begins so."
    )

    class Meta:
        model = Member
        fields = ("role", "status", "email", "search")

    def begins(self, rows: QuerySet[Any], _: str, text: str) -> QuerySet[Any]:
        """Select the members whose name or address begins with the text."""
        return rows.filter(Q(name__istartswith=text) | Q(email__istartswith=text))


class InvitationFilter(AddressFilter):
    """Invitations by role, status or address."""

    role = filters.ChoiceFilter(choices=Role.choices, help_text="To this role.")
    status = filters.ChoiceFilter(
        choices=InvitationStatus.choices, method="now", help_text="In this status now."
    )
    email = filters.CharFilter(
        method="at", max_length=254, help_text="To this address, in any case."
    )

    class Meta:
        model = Invitation
        fields = ("role", "status", "email")

    def now(self, rows: QuerySet[Any], _: str, status: str) -> QuerySet[Any]:
        """Select the invitations with that status now.

        An overdue one has expired, closed or not.
        """
        overdue = Q(status=InvitationStatus.PENDING, expires_at__lte=timezone.now())
        match status:
            case InvitationStatus.PENDING:
                return rows.filter(status=status).exclude(overdue)
            case InvitationStatus.EXPIRED:
                return rows.filter(Q(status=status) | overdue)
            case _:
                return rows.filter(status=status)
