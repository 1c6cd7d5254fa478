"""End, resume and change a subscription, at the provider first."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing import providers
from billing.errors import (
    PaymentRefused,
    PriceNotAvailable,
    SubscriptionMissing,
    SubscriptionNotChangeable,
)
from billing.models import Price, SeatAttempt, Subscription
from billing.plans import provider_prices
from billing.providers.errors import KeySpent
from billing.providers.types import PeriodPayment, SeatChangeRequest, SubscriptionSnapshot
from billing.seat_rules import Proration
from billing.seats import snapshot
from billing.seats.preview import SeatCost
from billing.seats.snapshot import SeatSnapshot
from billing.statuses import ENDED_STATUSES, SeatItem, Status
from billing.subscriptions import subscriptions
from kit.ids import uuid7
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

CHANGEABLE_STATUSES = (Status.TRIALING, Status.ACTIVE)
OPEN_PAYMENT_DETAIL = "Settle the open payment first."
SCHEDULED_END_DETAIL = "It is about to end. Send `keep` to take the end back with this change."


def cancel_subscription(*, organization: Organization) -> Subscription:
    """Schedule the end with the period.

    A paused or incomplete subscription ends at once.
    """
    row = _get_live(organization)
    if row.status in (Status.INCOMPLETE, Status.PAUSED):
        return end_subscription_now(organization=organization)
    provider = providers.get_provider(row.provider)
    return _send_change(row, lambda: provider.schedule_end(row.external_id, key=str(uuid7())))


def end_subscription_now(*, organization: Organization) -> Subscription:
    """End it at once, with a last invoice for what was used.

    The rest of the period is credited if it was paid.
    """
    return _end_now(_get_live(organization))


def end_all_subscriptions(*, organization_id: UUID) -> None:
    """End what a deleted organization still pays for.

    Raises VendorUnavailable.

    An organization that lives keeps what it has: the job may be older than a restoration.
    """
    rows = Subscription.objects.exclude(status__in=ENDED_STATUSES).filter(
        organization_id=organization_id, organization__state=Organization.State.DELETED
    )
    for row in rows:
        try:
            _end_now(row)
        except (PaymentRefused, SubscriptionMissing):
            # It may have ended by itself.
            subscriptions.pull_subscription(row.provider, row.external_id)


def defer_ends(organization_ids: Iterable[UUID]) -> None:
    """Defer one job each."""
    for organization_id in organization_ids:
        subscriptions.defer_end(organization_id)


def resume_subscription(*, organization: Organization) -> Subscription:
    """Take back a scheduled end, or resume a paused subscription.

    Raises SubscriptionNotChangeable when there is neither.
    """
    row = _get_live(organization)
    provider, key = providers.get_provider(row.provider), str(uuid7())
    if row.is_ending:
        return _send_change(row, lambda: provider.cancel_scheduled_end(row.external_id, key=key))
    if row.status == Status.PAUSED:
        return _send_change(
            row, lambda: _resume_counted(row, organization, key=key), is_own_quantity=True
        )
    raise SubscriptionNotChangeable("It is neither about to end nor paused.")


def change_price(*, organization: Organization, price: Price, keeps: bool = False) -> Subscription:
    """Move to another price, with the number of seats counted for it, in one call.

    The count is taken under the subscription's lock: a sync sends its own before or after, and
    members who join meanwhile are counted at the end. A scheduled end is taken back with `keeps`,
    else it refuses: no one shall pay for a year that ends with the month.
    """
    row = _get_changeable(organization, price, keeps=keeps)
    provider = providers.get_provider(row.provider)
    with subscriptions.hold_lock(row):
        request, revision = _build_recounted_request(organization, price, keeps=keeps)
        key = uuid7()
        with _translate_refusals(row):
            request = _adapt_to_payment(row, request)
            with provider_prices.explain_refusal(provider.key, request.price_id or ""):
                answer = provider.set_seats(request, key=f"{key}:1")
        with transaction.atomic():
            locked = tenancy_locks.lock_organization(organization.pk)
            changed = subscriptions.store_locked(locked, row.provider, answer)
            _record_attempt(changed, request, revision, before=row.quantity)
    return changed


def preview_price(*, organization: Organization, price: Price, keeps: bool = False) -> SeatCost:
    """Return what `change_price` would cost, with the same refusals, and change nothing."""
    row = _get_changeable(organization, price, keeps=keeps)
    request, _ = _build_recounted_request(organization, price, keeps=keeps)
    with _translate_refusals(row):
        request = _adapt_to_payment(row, request)
        with provider_prices.explain_refusal(row.provider, request.price_id or ""):
            cost = providers.get_provider(row.provider).preview_cost(request)
    return SeatCost(
        current=row.quantity or 0,
        resulting=request.quantity,
        amount_due_now=cost.due_now,
        amount_credited_now=cost.credited_now,
        amount_next_invoice=cost.due_next_invoice,
        currency=cost.currency or price.currency,
        proration_date=None,
    )


def _get_changeable(organization: Organization, price: Price, *, keeps: bool) -> Subscription:
    """Return the live subscription, if it may move to a price that its provider sells."""
    row = _get_live(organization)
    if row.is_ending and not keeps:
        raise SubscriptionNotChangeable(SCHEDULED_END_DETAIL, ends_at=row.ends_at)
    if not Price.objects.on_sale(row.provider).filter(pk=price.pk).exists():
        raise PriceNotAvailable
    return row


def _adapt_to_payment(row: Subscription, request: SeatChangeRequest) -> SeatChangeRequest:
    """Return the request, without prorations in a period whose invoice was written off.

    Raises SubscriptionNotChangeable while an invoice is open.
    """
    payment = providers.get_provider(row.provider).fetch_period_payment(row.external_id)
    if payment is PeriodPayment.OPEN:
        raise SubscriptionNotChangeable(OPEN_PAYMENT_DETAIL, state=row.status)
    if payment is PeriodPayment.WRITTEN_OFF:
        return replace(request, proration=Proration.SILENT)
    return request


def _resume_counted(
    row: Subscription, organization: Organization, *, key: str
) -> SubscriptionSnapshot:
    """Send the present count, and then resume, which charges a whole period for it."""
    provider = providers.get_provider(row.provider)
    seats = SeatSnapshot.read(organization)
    quantity = seats.billed_with(0)
    if row.seat_item == SeatItem.FOUND and quantity != row.quantity:
        request = SeatChangeRequest(
            subscription_id=row.external_id,
            item_id=row.external_item_id,
            quantity=quantity,
            proration=Proration.SILENT,
        )
        provider.set_seats(request, key=f"{key}:seats")
    return provider.resume_collection(row.external_id, key=key)


def _end_now(row: Subscription) -> Subscription:
    def end() -> SubscriptionSnapshot:
        provider = providers.get_provider(row.provider)
        is_paid = providers.is_period_paid(row.provider, row.external_id)
        return provider.cancel_now(row.external_id, credits_rest=is_paid, key=str(uuid7()))

    return _send_change(row, end)


def _get_live(organization: Organization) -> Subscription:
    row = snapshot.find_subscription(organization)
    if row is None:
        raise SubscriptionMissing("Choose a plan first.")
    return row


def _build_recounted_request(
    organization: Organization, price: Price, *, keeps: bool
) -> tuple[SeatChangeRequest, int]:
    with transaction.atomic():
        seats_now = SeatSnapshot.read(tenancy_locks.lock_organization(organization.pk))
        row = seats_now.subscription
        if row is None:
            raise SubscriptionMissing("Choose a plan first.")
        if row.status not in CHANGEABLE_STATUSES or row.seat_item != SeatItem.FOUND:
            raise SubscriptionNotChangeable(OPEN_PAYMENT_DETAIL, state=row.status)
        if row.price_id == price.pk:
            raise SubscriptionNotChangeable("It has this price already.")
    request = SeatChangeRequest(
        subscription_id=row.external_id,
        item_id=row.external_item_id,
        quantity=seats_now.compute_target(price.plan),
        proration=_choose_proration(row, price),
        price_id=provider_prices.get_external_id(price, row.provider),
        begins_period=_begins_period(row, price),
        takes_end_back=keeps and row.is_ending,
    )
    return request, seats_now.row.revision


def _choose_proration(row: Subscription, price: Price) -> Proration:
    if row.status == Status.TRIALING:
        return Proration.SILENT
    now = price.seat_policy.invoices_additions_now
    return Proration.INVOICE_NOW if now else Proration.NEXT_INVOICE


def _begins_period(row: Subscription, price: Price) -> bool:
    """Return whether the change begins a period now. One in a trial begins when the trial ends."""
    has_other_interval = row.price is not None and row.price.interval != price.interval
    return has_other_interval and row.status != Status.TRIALING


def _record_attempt(
    row: Subscription, request: SeatChangeRequest, revision: int, *, before: int | None
) -> None:
    now = timezone.now()
    SeatAttempt.objects.create(
        organization_id=row.organization_id,
        subscription=row,
        revision=revision,
        state=SeatAttempt.State.SUCCEEDED,
        quantity_before=before,
        quantity=request.quantity,
        quantity_returned=row.quantity,
        proration=request.proration,
        calls=1,
        lease_until=now,
        finished_at=now,
    )


def _send_change(
    row: Subscription, call: Callable[[], SubscriptionSnapshot], *, is_own_quantity: bool = False
) -> Subscription:
    with subscriptions.hold_lock(row):
        with _translate_refusals(row):
            answer = call()
        with transaction.atomic():
            organization = tenancy_locks.lock_organization(row.organization_id)
            return subscriptions.store_locked(
                organization, row.provider, answer, is_own_quantity=is_own_quantity
            )


@contextmanager
def _translate_refusals(row: Subscription) -> Iterator[None]:
    """Translate the provider's refusals, and defer a fetch after an unexpected one."""
    name = providers.get_display_name(row.provider)
    try:
        yield
    except VendorRejected as error:
        _defer_pull(row)
        raise PaymentRefused(f"{name} refused the change.", reason=error.code) from error
    except VendorNotFound as error:
        _defer_pull(row)
        raise SubscriptionMissing(f"{name} does not know it any more.") from error
    except KeySpent as error:
        _defer_pull(row)
        raise VendorUnavailable(row.provider, outcome_known=False) from error
    except VendorUnavailable as error:
        if not error.outcome_known:
            _defer_pull(row)
        raise


def _defer_pull(row: Subscription) -> None:
    subscriptions.defer_pull(row.provider, row.external_id)
