"""Compare a provider's account with our rows, one page of objects at a time.

A page is one call and a few statements for a hundred objects. What differs is fetched again by its
own job, which takes the locks, so that nothing is written from a list that may be stale by then.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from billing import providers
from billing.customers import customers
from billing.invoices import invoices
from billing.models import Checkout, Plan, ProviderPrice, SeatState, Subscription
from billing.plans import provider_prices
from billing.providers.types import ObjectKind
from billing.seat_sync import reconcile
from billing.seats.snapshot import count_seats, default_plan, select_billable_members
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import comparison, payment_pages, subscriptions
from kit import jobs
from tenancy.models import Organization

log = structlog.get_logger(__name__)

KINDS: Final = (ObjectKind.CUSTOMER, ObjectKind.SUBSCRIPTION, ObjectKind.INVOICE)
# Older invoices are not listed: they are settled, or open here and fetched one by one.
INVOICE_AGE: Final = timedelta(days=35)
# If no webhook about a payment page came within two hours, it was lost.
CHECKOUT_AGE: Final = timedelta(hours=2)
COUNT_BATCH_SIZE: Final = 500
# A customer is fetched with its tax ids, an invoice with its subscription.
CALLS_PER_FETCH: Final = 2

DEFER_PULL: Final = {
    ObjectKind.CUSTOMER: customers.defer_pull,
    ObjectKind.SUBSCRIPTION: subscriptions.defer_pull,
    ObjectKind.INVOICE: invoices.defer_pull,
}
FIND_DIFFERING: Final[dict[ObjectKind, Callable[[str, Any], list[str]]]] = {
    ObjectKind.CUSTOMER: customers.list_differing,
    ObjectKind.SUBSCRIPTION: comparison.list_differing,
    ObjectKind.INVOICE: invoices.list_differing,
}


def defer_comparisons() -> None:
    """Defer the first page of each kind of object at every configured provider."""
    started_at = timezone.now()
    for provider in providers.list_providers():
        for kind in KINDS:
            _defer_page(provider.key, kind, "", started_at)


def compare_page(*, provider: str, kind: ObjectKind, after: str, started_at: datetime) -> None:
    """Compare one page, defer a fetch of what differs, and defer the next page."""
    since = started_at - INVOICE_AGE if kind is ObjectKind.INVOICE else None
    page = providers.get_provider(provider).list_page(kind, after=after, since=since)
    differing = FIND_DIFFERING[kind](provider, page.snapshots)
    if not page.next and kind is ObjectKind.SUBSCRIPTION:
        differing += _list_unseen(provider, started_at)
    differing = list(dict.fromkeys(differing))
    spacing = _get_fetch_spacing(provider)
    with transaction.atomic():  # a job that is repeated must not find half of them deferred
        for number, external_id in enumerate(differing):
            DEFER_PULL[kind](provider, external_id, after=spacing * number)
        if page.next:  # once the fetches of this page are done
            pause = spacing * (len(differing) + 1)
            _defer_page(provider, kind, page.next, started_at, pause=pause)
    log.info("provider_compared", provider=provider, kind=kind, differences=len(differing))


def defer_open_objects() -> None:
    """Defer a fetch of payment pages and invoices that are open here."""
    pages = Checkout.objects.open().filter(created_at__lt=timezone.now() - CHECKOUT_AGE)
    for page in pages:
        if page.external_id:
            jobs.defer_job(
                "billing.complete_checkout", provider=page.provider, external_id=page.external_id
            )
        else:
            payment_pages.defer_resolution(page)
    open_invoices = invoices.list_open(before=timezone.now() - INVOICE_AGE)
    for number, (provider, external_id) in enumerate(open_invoices):
        invoices.defer_pull(provider, external_id, after=_get_fetch_spacing(provider) * number)


def defer_prices() -> None:
    """Defer a fetch of the current prices, which may have been archived at their provider."""
    for provider in providers.list_providers():
        rows = ProviderPrice.objects.filter(provider=provider.key, is_active=True)
        spacing = _get_fetch_spacing(provider.key)
        for number, row in enumerate(rows):
            provider_prices.defer_pull(row.provider, row.external_id, after=spacing * number)


def list_miscounted() -> list[UUID]:
    """Return the organizations whose count differs from the stored one, counted in batches."""
    return [
        organization_id
        for batch in itertools.batched(reconcile.list_candidates(), COUNT_BATCH_SIZE)
        for organization_id in _find_miscounted(batch)
    ]


def _get_fetch_spacing(provider: str) -> timedelta:
    """Return the time between two fetches that leaves half of the provider's calls to requests."""
    return reconcile.get_spacing(provider, calls=CALLS_PER_FETCH * len(KINDS))


def _list_unseen(provider: str, started_at: datetime) -> list[str]:
    """Return the live subscriptions that no page contained unchanged.

    They ended, are unknown at the provider, or differ and are being fetched.
    """
    live = Subscription.objects.filter(provider=provider).exclude(status__in=ENDED_STATUSES)
    return list(live.filter(pulled_at__lt=started_at).values_list("external_id", flat=True))


def _defer_page(
    provider: str,
    kind: ObjectKind,
    after: str,
    started_at: datetime,
    *,
    pause: timedelta | None = None,
) -> None:
    jobs.defer_job(
        "billing.compare_page",
        after=pause,
        provider=provider,
        kind=kind.value,
        cursor=after,
        started_at=started_at.isoformat(),
    )


def _find_miscounted(organization_ids: Sequence[UUID]) -> Iterable[UUID]:
    stored = dict(
        SeatState.objects.filter(organization__in=organization_ids).values_list(
            "organization_id", "counted"
        )
    )
    for plan, ids in _group_by_plan(organization_ids).items():
        counted = _count_members(plan, ids)
        yield from (id_ for id_ in ids if counted.get(id_, 0) != stored.get(id_, 0))


def _group_by_plan(organization_ids: Sequence[UUID]) -> dict[Plan, list[UUID]]:
    live = Subscription.objects.live().filter(organization__in=organization_ids)
    plans = {row.organization_id: row.plan for row in live.select_related("price__plan")}
    default = default_plan()
    grouped: dict[Plan, list[UUID]] = {}
    for id_ in organization_ids:
        grouped.setdefault(plans.get(id_) or default, []).append(id_)
    return grouped


def _count_members(plan: Plan, organization_ids: list[UUID]) -> dict[UUID, int]:
    """Return the counted seats by organization, as `count_seats` counts them, in one statement.

    A plan that bills invitations is counted one organization at a time.
    """
    if plan.bills_invitations:
        rows = Organization.objects.in_bulk(organization_ids)
        return {id_: count_seats(row, plan).counted for id_, row in rows.items()}
    members = select_billable_members(plan).filter(organization__in=organization_ids)
    counted = members.values("organization_id").annotate(seats=Count("pk"))
    return dict(counted.values_list("organization_id", "seats"))
