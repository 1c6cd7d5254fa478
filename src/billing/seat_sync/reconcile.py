"""Compare the count, the target and the provider's quantity, and repair or report."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from billing import providers
from billing.customers import customers
from billing.invoices import invoices
from billing.models import Checkout, Customer, Plan, SeatChange, SeatState, Subscription
from billing.providers.types import SubscriptionSnapshot
from billing.seat_rules import State
from billing.seat_sync import push
from billing.seats import ledger
from billing.seats.snapshot import SeatSnapshot
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import payment_pages, subscriptions
from kit import jobs
from kit.outbound import VendorNotFound
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)

# The customer with its tax ids, its subscriptions, and the live one.
CALLS_PER_ORGANIZATION: Final = 4
RETRY_DELAY: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one organization's comparison found."""

    organization_id: UUID
    counted: int
    target: int
    observed: int | None
    state: str
    would_send: bool


def list_candidates() -> Iterator[UUID]:
    """Yield every organization that has ever begun to pay."""
    known = Organization.objects.live().filter(
        Q(customer__external_id__gt="") | Q(subscriptions__isnull=False)
    )
    yield from known.order_by("pk").values_list("pk", flat=True).distinct()


def list_abandoned() -> list[UUID]:
    """Return the deleted organizations that still pay."""
    deleted = Organization.objects.filter(state=Organization.State.DELETED)
    paying = Subscription.objects.exclude(status__in=ENDED_STATUSES).filter(
        organization__in=deleted
    )
    return list(paying.values_list("organization_id", flat=True).distinct())


def list_of_plan(plan: Plan) -> list[UUID]:
    """Return the organizations with this plan."""
    paying = Subscription.objects.live().filter(price__plan=plan)
    return list(paying.values_list("organization_id", flat=True))


def list_dirty() -> list[UUID]:
    """Return the organizations whose seats are not settled."""
    return list(SeatState.objects.dirty().values_list("organization_id", flat=True))


def defer_reconciliations(organization_ids: Iterable[UUID]) -> None:
    """Defer one job each, spread so that half of the provider's calls are left to requests."""
    spacing = max(
        get_spacing(provider.key, calls=CALLS_PER_ORGANIZATION)
        for provider in providers.list_providers()
    )
    for number, organization_id in enumerate(organization_ids):
        _defer_reconciliation(organization_id, after=spacing * number)


def get_spacing(provider: str, *, calls: int) -> timedelta:
    """Return the time between two jobs of so many calls, at half of the provider's rate limit."""
    allowed = providers.get_provider(provider).capabilities.calls_per_minute / 2
    return timedelta(minutes=calls / allowed)


def defer_reconciliation_later(organization_id: UUID) -> None:
    """Defer another look while the provider does not answer, one job at most."""
    _defer_reconciliation(organization_id, after=RETRY_DELAY)


def _defer_reconciliation(organization_id: UUID, *, after: timedelta) -> None:
    jobs.defer_job(
        "billing.reconcile_organization",
        coalesce=str(organization_id),
        after=after,
        organization_id=str(organization_id),
    )


def reconcile_organization(*, organization_id: UUID, corrects_drift: bool = False) -> Finding:
    """Pull from the provider, recount, and sync what differs. Twice in a row changes nothing."""
    _pull_everything(organization_id)
    _recount_seats(organization_id, corrects_drift=corrects_drift)
    push.sync_seats(organization_id=organization_id, is_forced=True)
    return _build_finding(SeatSnapshot.read(Organization.objects.get(pk=organization_id)))


def inspect_seats(*, organization_id: UUID) -> Finding:
    """Compare with the provider's present quantity, and change nothing."""
    seats = SeatSnapshot.read(Organization.objects.get(pk=organization_id))
    finding = _build_finding(seats)
    if seats.subscription is None:
        return finding
    provider = providers.get_provider(seats.subscription.provider)
    snapshot = provider.fetch_subscription(seats.subscription.external_id)
    quantities = {item.external_id: item.quantity for item in snapshot.items}
    observed = quantities.get(seats.subscription.external_item_id)
    is_ours = finding.state not in (State.MANUAL, State.MISCONFIGURED)
    return replace(finding, observed=observed, would_send=is_ours and observed != finding.target)


def _pull_everything(organization_id: UUID) -> None:
    """Fetch everything the provider has of the customer, to make up for lost events."""
    organization = Organization.objects.get(pk=organization_id)
    rows = organization.subscriptions.all()
    # Those that live as far as we know are read even if their customer is gone, and they with it.
    begun = {_get_key(row): row.started_at for row in rows if not row.has_ended}
    ended = {_get_key(row) for row in rows if row.has_ended}
    customer = customers.get_profile(organization)
    if customer.external_id:
        customers.pull_customer(customer.provider, customer.external_id)
        customer.refresh_from_db()
    for key, snapshot in _list_subscriptions(customer).items():
        if not (key in ended and snapshot.status in ENDED_STATUSES):
            begun[key] = snapshot.started_at
    # Oldest first: an ended one must make room before the live one is written.
    for key in sorted(begun, key=begun.__getitem__):
        subscriptions.pull_subscription(*key)
    invoices.pull_differing(customer)
    for page in Checkout.objects.open().filter(organization=organization):
        if page.external_id:
            payment_pages.complete_or_close(page.provider, page.external_id)
        else:
            payment_pages.resolve_checkout(checkout_id=page.pk)


def _list_subscriptions(customer: Customer) -> dict[tuple[str, str], SubscriptionSnapshot]:
    """Return the provider's subscriptions of a customer, none of one that it does not know."""
    if not customer.external_id:
        return {}
    provider = providers.get_provider(customer.provider)
    try:
        listed = provider.list_subscriptions(customer.external_id)
    except VendorNotFound:
        return {}
    return {(provider.key, one.external_id): one for one in listed}


def _get_key(row: Subscription) -> tuple[str, str]:
    return row.provider, row.external_id


def _recount_seats(organization_id: UUID, *, corrects_drift: bool) -> None:
    """Record a count that differs from the ledger's."""
    with transaction.atomic():
        organization = tenancy_locks.lock_organization(organization_id)
        if corrects_drift:
            SeatState.objects.filter(organization=organization).update(drifted_since=None)
        seats = SeatSnapshot.read(organization)
        if seats.count.counted != seats.row.counted:
            log.warning("seats_recounted", organization_id=str(organization_id))
            ledger.record_change(organization=organization, reason=SeatChange.Reason.RECOUNTED)
        else:
            seats.save_state(seats.decide())


def _build_finding(seats: SeatSnapshot) -> Finding:
    decision = seats.decide()
    return Finding(
        organization_id=seats.organization.pk,
        counted=seats.count.counted,
        target=seats.inputs.target,
        observed=seats.inputs.observed,
        state=decision.state,
        would_send=decision.proration is not None,
    )
