"""Choose the addresses that a notice about an organization goes to."""

from collections.abc import Iterable
from typing import Final

from django.conf import settings

from billing.models import Customer, NoticeKind
from billing.notices.drafts import Draft
from identity.models import Member
from kit.addresses import normalize_email
from tenancy.models import Organization

# Each gets a mail, and mail servers limit how many are taken in a short time.
MAX_RECIPIENTS: Final = 50


def list_recipients(organization: Organization) -> list[str]:
    """Return the buyer's address, the billing address and those of the active admins, each once.

    The buyer counts while being an active admin.
    """
    billing = Customer.objects.filter(organization=organization).exclude(billing_email="")
    admins = Member.objects.in_organization(organization).admins().order_by("created_at", "id")
    buyers = admins.filter(
        user_id__in=Customer.objects.filter(organization=organization).values("bought_by")
    )
    wanted = [
        *buyers.values_list("email", flat=True),
        *billing.values_list("billing_email", flat=True),
        *admins.values_list("email", flat=True)[:MAX_RECIPIENTS],
    ]
    return _select_deliverable(wanted)


def list_draft_recipients(draft: Draft) -> list[str]:
    """Return the addresses of a notice, which for a lost admin are those of owners and staff."""
    if draft.kind == NoticeKind.ADMIN_LOST:
        return list_owners(draft.organization)
    return list_recipients(draft.organization)


def list_owners(organization: Organization) -> list[str]:
    """Return who decides about an organization without an admin, and the addresses of staff.

    That is the billing address and the buyer while being an active member, else the oldest member.
    """
    customers = Customer.objects.filter(organization=organization)
    members = Member.objects.in_organization(organization).active().filter(user__is_active=True)
    buyers = members.filter(user_id__in=customers.values("bought_by"))
    owners = [
        *buyers.values_list("email", flat=True),
        *customers.exclude(billing_email="").values_list("billing_email", flat=True),
    ]
    oldest = members.order_by("created_at", "id").values_list("email", flat=True)[:1]
    reachable = _select_deliverable(owners) or oldest
    return _select_deliverable([*reachable, *settings.STAFF_ALERT_ADDRESSES])


def _select_deliverable(wanted: Iterable[str]) -> list[str]:
    unique: dict[str, str] = {}
    for address in filter(is_deliverable, wanted):
        unique.setdefault(normalize_email(address), address)
    return list(unique.values())[:MAX_RECIPIENTS]


def is_deliverable(address: str) -> bool:
    """Return whether Django can name the address to a mail server.

    It refuses a local part that is not ASCII, and with it the whole message.
    """
    return address.rpartition("@")[0].isascii()
