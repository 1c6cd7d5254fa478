"""Carry out the actions that an organization's billing page offers."""

from collections.abc import Callable, Mapping
from typing import Final

from billing.errors import SubscriptionMissing
from billing.inspection.diagnosis import Remedy
from billing.invoices import invoices
from billing.models import Subscription
from billing.seat_rules import Mode
from billing.seat_sync import push, reconcile
from billing.seats import report
from billing.seats.snapshot import SeatSnapshot
from billing.subscriptions import purchased_seats, subscriptions
from tenancy.models import Organization


def apply_remedy(remedy: Remedy, organization: Organization) -> None:
    """Carry out one action. Not within a transaction, since most of them call the provider.

    Raises SubscriptionMissing, SubscriptionNotChangeable and VendorUnavailable.
    """
    REMEDIES[remedy](organization)


def _refresh(organization: Organization) -> None:
    reconcile.reconcile_organization(organization_id=organization.pk)


def _correct_quantity(organization: Organization) -> None:
    reconcile.reconcile_organization(organization_id=organization.pk, corrects_drift=True)


def _drop_minimum(organization: Organization) -> None:
    subscriptions.pull_live_subscription(organization.pk)
    purchased_seats.drop_minimum(organization=organization)
    push.sync_seats(organization_id=organization.pk, is_forced=True)


def _adopt_minimum(organization: Organization) -> None:
    purchased_seats.adopt_quantity(organization=organization)


def _end_missing(organization: Organization) -> None:
    """End it, unless the provider knows it again, as after the secret key was corrected."""
    row = _get_live(organization)
    if row.missing_since is not None:
        subscriptions.pull_subscription(row.provider, row.external_id)
    subscriptions.end_missing(row)
    reconcile.reconcile_organization(organization_id=organization.pk)


def _void_invoices(organization: Organization) -> None:
    invoices.void_open_invoices(organization)


def _send_contract(organization: Organization) -> None:
    subscriptions.pull_live_subscription(organization.pk)
    report.order_contract(organization)
    push.sync_seats(organization_id=organization.pk, is_forced=True)


def _agree_billed(organization: Organization) -> None:
    """Fetch the billed quantity first, so that what is agreed is what the page showed."""
    row = _get_live(organization)
    pulled = subscriptions.pull_subscription(row.provider, row.external_id)
    seats = pulled.quantity if pulled else row.quantity
    report.agree_seats(organization=organization, seats=seats)


def _agree_counted(organization: Organization) -> None:
    counted = SeatSnapshot.read(organization).count.counted
    report.agree_seats(organization=organization, seats=counted)


def _end_contract(organization: Organization) -> None:
    subscriptions.pull_live_subscription(organization.pk)
    report.set_seat_mode(organization=organization, mode=Mode.AUTOMATIC, contract_seats=None)
    push.sync_seats(organization_id=organization.pk, is_forced=True)


def _get_live(organization: Organization) -> Subscription:
    row = SeatSnapshot.read(organization).subscription
    if row is None:
        raise SubscriptionMissing("The organization has no live subscription.")
    return row


REMEDIES: Final[Mapping[Remedy, Callable[[Organization], None]]] = {
    Remedy.REFRESH: _refresh,
    Remedy.CORRECT_QUANTITY: _correct_quantity,
    Remedy.ADOPT_MINIMUM: _adopt_minimum,
    Remedy.DROP_MINIMUM: _drop_minimum,
    Remedy.END_MISSING: _end_missing,
    Remedy.VOID_INVOICES: _void_invoices,
    Remedy.SEND_CONTRACT: _send_contract,
    Remedy.AGREE_BILLED: _agree_billed,
    Remedy.AGREE_COUNTED: _agree_counted,
    Remedy.END_CONTRACT: _end_contract,
}
