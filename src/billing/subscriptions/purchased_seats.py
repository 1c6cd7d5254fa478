"""Adopt a quantity that was edited at the provider as the smallest number of seats to bill."""

from django.db import transaction

from billing import event_types, providers
from billing.errors import SubscriptionMissing, SubscriptionNotChangeable
from billing.models import SeatChange, Subscription
from billing.seat_rules import Mode
from billing.seats import ledger, snapshot
from billing.seats.snapshot import SeatSnapshot
from billing.subscriptions import subscriptions
from kit.outbound import VendorNotFound
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events


def adopt_quantity(*, organization: Organization) -> Subscription:
    """Fetch the billed quantity, and let it be the minimum if it is more than is to be billed.

    It is fetched and adopted in one transaction, so that no job corrects it in between. Raises
    SubscriptionMissing, SubscriptionNotChangeable and VendorUnavailable.
    """
    row = snapshot.find_subscription(organization)
    if row is None:
        raise SubscriptionMissing("Nothing is billed without a subscription.")
    with subscriptions.hold_lock(row):
        try:
            seen = providers.get_provider(row.provider).fetch_subscription(row.external_id)
        except VendorNotFound as error:
            raise SubscriptionMissing("The payment provider does not know it any more.") from error
        with transaction.atomic():
            locked = tenancy_locks.lock_organization(organization.pk)
            subscriptions.store_locked(locked, row.provider, seen)
            return _save_minimum(locked, _read_adoptable(locked))


def drop_minimum(*, organization: Organization) -> Subscription:
    """Bill the counted seats again, and defer a sync.

    Raises SubscriptionMissing, and SubscriptionNotChangeable where no minimum was purchased.
    """
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        row = snapshot.find_subscription(locked)
        if row is None:
            raise SubscriptionMissing("Nothing is billed without a subscription.")
        if row.purchased_seats is None:
            raise SubscriptionNotChangeable("No minimum was purchased.")
        return _save_minimum(locked, None)


def _read_adoptable(organization: Organization) -> int:
    """Return the billed quantity, or refuse one that is not more than the seats to bill."""
    seats = SeatSnapshot.read(organization)
    billed, target = seats.inputs.observed, seats.inputs.target
    if seats.attempt is not None:
        raise SubscriptionNotChangeable("A number of seats is being sent. Try again in a moment.")
    if seats.row.mode == Mode.MANUAL or billed is None or billed <= target:
        raise SubscriptionNotChangeable(f"{billed} seats are billed and {target} to be billed.")
    return billed


def _save_minimum(organization: Organization, seats: int | None) -> Subscription:
    """Store the minimum with a row of the ledger, which settles or defers a sync, and an event."""
    row = Subscription.objects.live().get(organization=organization)
    before, row.purchased_seats = row.purchased_seats, seats
    row.save(update_fields=["purchased_seats", "updated_at"])
    ledger.record_change(
        organization=organization, reason=SeatChange.Reason.MINIMUM_CHANGED, subject_id=row.pk
    )
    changes = {"minimum": (before, seats)}
    events.record(organization, event_types.SEATS_MINIMUM_CHANGED, row.pk, changes=changes)
    return row
