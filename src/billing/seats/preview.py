"""Preview what seats would cost, by the provider's own preview."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
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

NO_UPCOMING_INVOICE_CODE: Final = "invoice_upcoming_none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatCost:
    """Seats before and after, and what the change would ask for."""

    current: int
    resulting: int
    amount_due_now: int
    amount_next_invoice: int
    currency: str
    proration_date: datetime


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
    row, inputs = seats.subscription, seats.inputs
    if row is None or not row.stripe_item_id:
        raise SubscriptionMissing("Nothing is billed without a subscription.")
    resulting = seats.billed_with(added)
    moment = timezone.now().replace(microsecond=0)
    _store_preview(seats.organization, resulting, moment)
    try:
        proration = _proration(inputs, resulting)
        if resulting < inputs.target and proration != Proration.SILENT:
            is_unpaid = providers.get_provider().has_open_invoice(row.external_id)
            proration = Proration.SILENT if is_unpaid else proration
        now, currency = _preview_due_now(row, resulting, proration, moment)
        later = _preview_next_invoice(row, resulting, proration, moment)
    except (VendorRejected, VendorNotFound) as error:
        raise PaymentRefused("Stripe cannot say.", reason=error.code) from error
    return SeatCost(
        current=seats.billed_with(0),
        resulting=resulting,
        amount_due_now=now,
        amount_next_invoice=later,
        currency=currency,
        proration_date=moment,
    )


def _proration(inputs: SeatInputs, resulting: int) -> Proration:
    """Return how the rules would charge that step."""
    step = SeatInputs(
        counted=resulting,
        policy=inputs.policy,
        status=inputs.status,
        observed=inputs.target,
        is_ending=inputs.is_ending,
    )
    return decide_seats(step).proration or Proration.SILENT


def _preview_due_now(
    row: Subscription, resulting: int, proration: Proration, moment: datetime
) -> tuple[int, str]:
    currency = row.price.currency if row.price else ""
    if proration != Proration.INVOICE_NOW:
        return 0, currency
    return providers.get_provider().preview_due(_build_request(row, resulting, proration, moment))


def _preview_next_invoice(
    row: Subscription, resulting: int, proration: Proration, moment: datetime
) -> int:
    """Return the next invoice, which after an immediate charge holds only the new number of seats."""
    later = Proration.SILENT if proration == Proration.INVOICE_NOW else proration
    try:
        due, _ = providers.get_provider().preview_due(_build_request(row, resulting, later, moment))
    except VendorNotFound as error:
        if error.code != NO_UPCOMING_INVOICE_CODE:
            raise
        return 0  # it ends, and nothing is owed for the rest
    return due


def _build_request(
    row: Subscription, resulting: int, proration: Proration, moment: datetime
) -> SeatChangeRequest:
    return SeatChangeRequest(
        subscription_id=row.external_id,
        item_id=row.stripe_item_id,
        quantity=resulting,
        proration=proration,
        proration_date=moment,
    )


def _store_preview(organization: Organization, resulting: int, moment: datetime) -> None:
    """Store the preview, so that the change, if it comes soon, is charged from the same time."""
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        SeatState.objects.update_or_create(
            organization=locked,
            defaults={"previewed_quantity": resulting, "previewed_at": moment},
        )
