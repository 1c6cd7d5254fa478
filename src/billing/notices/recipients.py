"""Choose the addresses that a notice about an organization goes to."""

from typing import Final

from billing.models import Customer
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
    unique: dict[str, str] = {}
    for address in filter(is_deliverable, wanted):
        unique.setdefault(normalize_email(address), address)
    return list(unique.values())[:MAX_RECIPIENTS]


def is_deliverable(address: str) -> bool:
    """Return whether Django can name the address to a mail server.

    It refuses a local part that is not ASCII, and with it the whole message.
    """
    return address.rpartition("@")[0].isascii()
