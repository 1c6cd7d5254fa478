"""Count the use of the limited features that the catalog sells."""

from typing import Final

from billing.entitlements.usage import register_counter
from identity.models import Invitation, PendingChange
from identity.models.pending_changes import ChangeKind
from tenancy.models import Organization

PENDING_INVITATIONS: Final = "pending_invitations"


@register_counter(PENDING_INVITATIONS)
def count_pending_invitations(organization: Organization) -> int:
    """Count the invitations that can be accepted, and those that are being sent."""
    pending = Invitation.objects.in_organization(organization).pending().count()
    sent = PendingChange.objects.in_organization(organization).open().filter(kind=ChangeKind.INVITE)
    return pending + sent.count()
