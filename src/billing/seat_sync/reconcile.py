"""Comparing what is counted, what should be billed and what Stripe bills; repairing or reporting."""

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
from billing.models import Plan, SeatChange, SeatState, Subscription
from billing.seat_rules import State
from billing.seat_sync import push
from billing.seats import ledger
from billing.seats.snapshot import Books
from billing.statuses import ENDED
from billing.subscriptions import subscriptions
from kit import jobs
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)

PER_SECOND: Final = 10
LATER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one organization's comparison found."""

    organization_id: UUID
    counted: int
    target: int
    observed: int | None
    state: str
    would_send: bool


def candidates() -> Iterator[UUID]:
    """Every organization that has ever been about to pay."""
    known = Organization.objects.live().filter(
        Q(customer__stripe_customer_id__isnull=False) | Q(subscriptions__isnull=False)
    )
    yield from known.order_by("pk").values_list("pk", flat=True).distinct()


def abandoned() -> list[UUID]:
    """Deleted organizations that still pay."""
    deleted = Organization.objects.filter(state=Organization.State.DELETED)
    paying = Subscription.objects.exclude(status__in=ENDED).filter(organization__in=deleted)
    return list(paying.values_list("organization_id", flat=True).distinct())


def of_plan(plan: Plan) -> list[UUID]:
    """Organizations that pay by this plan's rules."""
    paying = Subscription.objects.live().filter(price__plan=plan)
    return list(paying.values_list("organization_id", flat=True))


def dirty() -> list[UUID]:
    """Organizations whose seats are not settled."""
    return list(SeatState.objects.dirty().values_list("organization_id", flat=True))


def defer(organization_ids: Iterable[UUID]) -> None:
    """One job each, spread so that the night's run stays far from Stripe's rate limits."""
    for number, organization_id in enumerate(organization_ids):
        _defer(organization_id, after=timedelta(seconds=number / PER_SECOND))


def defer_later(organization_id: UUID) -> None:
    """Look in again while Stripe is silent; one job waits, however many hours that lasts."""
    _defer(organization_id, after=LATER)


def _defer(organization_id: UUID, *, after: timedelta) -> None:
    jobs.defer(
        "billing.reconcile_organization",
        coalesce=str(organization_id),
        after=after,
        organization_id=str(organization_id),
    )


def reconcile(*, organization_id: UUID, corrects_drift: bool = False) -> Finding:
    """Pull from Stripe, recount, and sync what differs. Twice in a row changes nothing."""
    _pull(organization_id)
    _recount(organization_id, corrects_drift=corrects_drift)
    push.sync(organization_id=organization_id, is_forced=True)
    return _finding(Books.read(Organization.objects.get(pk=organization_id)))


def look(*, organization_id: UUID) -> Finding:
    """The same comparison, with what Stripe says now, without a word to anybody."""
    books = Books.read(Organization.objects.get(pk=organization_id))
    finding = _finding(books)
    if books.subscription is None:
        return finding
    snapshot = providers.current().fetch_subscription(books.subscription.external_id)
    quantities = {item.external_id: item.quantity for item in snapshot.items}
    observed = quantities.get(books.subscription.stripe_item_id)
    is_ours = finding.state not in (State.MANUAL, State.MISCONFIGURED)
    return replace(finding, observed=observed, would_send=is_ours and observed != finding.target)


def _pull(organization_id: UUID) -> None:
    """Everything Stripe has of the customer, so that a lost event is made up for."""
    organization = Organization.objects.get(pk=organization_id)
    rows = organization.subscriptions.all()
    # Those that live as far as we know are read even if their customer is gone, and they with it.
    begun = {row.external_id: row.started_at for row in rows if not row.has_ended}
    ended = {row.external_id for row in rows if row.has_ended}
    customer_id = customers.of(organization).stripe_customer_id
    customer = customers.pull(customer_id) if customer_id else None
    if customer is not None and customer.stripe_customer_id is not None:
        for snapshot in providers.current().subscriptions_of(customer.stripe_customer_id):
            if not (snapshot.external_id in ended and snapshot.status in ENDED):
                begun[snapshot.external_id] = snapshot.started_at
    # Oldest first: an ended one must make room before the live one is written.
    for external_id in sorted(begun, key=begun.__getitem__):
        subscriptions.pull(external_id)


def _recount(organization_id: UUID, *, corrects_drift: bool) -> None:
    """A count that differs from the ledger's means that somebody changed members behind our back."""
    with transaction.atomic():
        organization = tenancy_locks.organization(organization_id)
        if corrects_drift:
            SeatState.objects.filter(organization=organization).update(drifted_since=None)
        books = Books.read(organization)
        if books.count.counted != books.seats.counted:
            log.warning("seats_recounted", organization_id=str(organization_id))
            ledger.note(organization=organization, reason=SeatChange.Reason.RECOUNTED)
        else:
            books.settle(books.decide())


def _finding(books: Books) -> Finding:
    decision = books.decide()
    return Finding(
        organization_id=books.organization.pk,
        counted=books.count.counted,
        target=books.situation.target,
        observed=books.situation.observed,
        state=decision.state,
        would_send=decision.proration is not None,
    )
