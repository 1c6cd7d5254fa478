"""Preview what seats would cost, by the provider's own preview."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing import providers
from billing.errors import PaymentRefused, SubscriptionMissing
from billing.models import SeatState, Subscription
from billing.providers.types import SeatChangeRequest
from billing.seat_rules import Proration, SeatInputs, decide_seats
from billing.seats.snapshot import SeatSnapshot
from identity.models import Member
from kit.errors import NotFound
from kit.outbound import VendorNotFound, VendorRejected
from tenancy import locks as tenancy_locks
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatCost:
    """Seats before and after, and what the change would ask for."""

    current: int
    resulting: int
    amount_due_now: int
    amount_credited_now: int
    amount_next_invoice: int
    currency: str
    proration_date: datetime | None


def preview_addition(*, organization: Organization, seats: int) -> SeatCost:
    """Return what `seats` more would cost.

    Raises SubscriptionMissing and VendorUnavailable.
    """
    return _compute_cost(SeatSnapshot.read(organization), seats)


def preview_role_change(*, organization: Organization, member_id: UUID, role: str) -> SeatCost:
    """Return what another role of a member would cost.

    Raises NotFound for an unknown member.
    """
    member = Member.objects.in_organization(organization).active().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    seats = SeatSnapshot.read(organization)
    roles = seats.plan.billable_roles
    return _compute_cost(seats, (role in roles) - (member.role in roles))


def _compute_cost(seats: SeatSnapshot, added: int) -> SeatCost:
    row = seats.subscription
    if row is None or not row.external_item_id:
        raise SubscriptionMissing("Nothing is billed without a subscription.")
    provider = providers.get_provider(row.provider)
    resulting = seats.billed_with(added)
    moment = _clamp_to_period(timezone.now().replace(microsecond=0), row)
    _store_preview(seats.organization, resulting, moment)
    try:
        request = SeatChangeRequest(
            subscription_id=row.external_id,
            item_id=row.external_item_id,
            quantity=resulting,
            proration=_choose_proration(seats.inputs, row, resulting),
            proration_date=moment,
        )
        cost = provider.preview_cost(request)
    except (VendorRejected, VendorNotFound) as error:
        raise PaymentRefused(f"{provider.display_name} cannot say.", reason=error.code) from error
    return SeatCost(
        current=seats.billed_with(0),
        resulting=resulting,
        amount_due_now=cost.due_now,
        amount_credited_now=cost.credited_now,
        amount_next_invoice=cost.due_next_invoice,
        currency=cost.currency or (row.price.currency if row.price else ""),
        proration_date=moment if provider.capabilities.fixes_preview_moment else None,
    )


def _clamp_to_period(moment: datetime, row: Subscription) -> datetime:
    """Return a time within the current period, since a provider's clock may differ from ours."""
    start, end = row.current_period_start, row.current_period_end
    if end is not None:
        moment = min(moment, end - timedelta(seconds=1))
    return max(moment, start) if start is not None else moment


def _choose_proration(inputs: SeatInputs, row: Subscription, resulting: int) -> Proration:
    """Return how the rules would charge that step, without credit in a period that was not paid."""
    step = SeatInputs(
        counted=resulting,
        policy=inputs.policy,
        status=inputs.status,
        observed=inputs.target,
        is_ending=inputs.is_ending,
        terms=inputs.terms,
        paid=inputs.paid,
    )
    # Beyond the paid seats the change takes two steps, and only the second one is charged.
    step = replace(step, observed=step.next_quantity) if step.next_quantity != resulting else step
    proration = decide_seats(step).proration or Proration.SILENT
    is_credit = resulting < inputs.target and proration != Proration.SILENT
    if is_credit and not providers.is_period_paid(row.provider, row.external_id):
        return Proration.SILENT
    return proration


def _store_preview(organization: Organization, resulting: int, moment: datetime) -> None:
    """Store the preview, so that the change, if it comes soon, is charged from the same time."""
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        SeatState.objects.update_or_create(
            organization=locked,
            defaults={"previewed_quantity": resulting, "previewed_at": moment},
        )
