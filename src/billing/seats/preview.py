"""What seats would cost, asked of Stripe before anybody agrees to it."""

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
from billing.seat_rules import Proration, Situation, decide
from billing.seats.snapshot import Books
from identity.models import Member
from kit.errors import NotFound
from kit.outbound import VendorNotFound, VendorRejected
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

NOTHING_UPCOMING: Final = "invoice_upcoming_none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatCost:
    """Seats before and after, and what the change would ask for."""

    current: int
    resulting: int
    amount_due_now: int
    amount_next_invoice: int
    currency: str
    proration_date: datetime


def of_addition(*, organization: Organization, seats: int) -> SeatCost:
    """What `seats` more would cost. Raises SubscriptionMissing, VendorUnavailable."""
    return _cost(Books.read(organization), seats)


def of_role(*, organization: Organization, member_id: UUID, role: str) -> SeatCost:
    """What giving a member another role would cost. Raises NotFound for one of elsewhere."""
    member = Member.objects.of(organization).active().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    books = Books.read(organization)
    roles = books.plan.billable_roles
    return _cost(books, (role in roles) - (member.role in roles))


def _cost(books: Books, added: int) -> SeatCost:
    row, situation = books.subscription, books.situation
    if row is None or not row.stripe_item_id:
        raise SubscriptionMissing("Nothing is billed without a subscription.")
    resulting = books.billed_with(added)
    moment = timezone.now().replace(microsecond=0)
    _remember(books.organization, resulting, moment)
    try:
        proration = _proration(situation, resulting)
        if resulting < situation.target and proration != Proration.SILENT:
            is_unpaid = providers.current().has_open_invoice(row.external_id)
            proration = Proration.SILENT if is_unpaid else proration
        now, currency = _due_now(row, resulting, proration, moment)
        later = _due_next(row, resulting, proration, moment)
    except (VendorRejected, VendorNotFound) as error:
        raise PaymentRefused("Stripe cannot say.", reason=error.code) from error
    return SeatCost(
        current=books.billed_with(0),
        resulting=resulting,
        amount_due_now=now,
        amount_next_invoice=later,
        currency=currency,
        proration_date=moment,
    )


def _proration(situation: Situation, resulting: int) -> Proration:
    """How the rules would charge that very step."""
    step = Situation(
        counted=resulting,
        policy=situation.policy,
        status=situation.status,
        observed=situation.target,
        is_ending=situation.is_ending,
    )
    return decide(step).proration or Proration.SILENT


def _due_now(
    row: Subscription, resulting: int, proration: Proration, moment: datetime
) -> tuple[int, str]:
    currency = row.price.currency if row.price else ""
    if proration != Proration.INVOICE_NOW:
        return 0, currency
    return providers.current().preview_due(_request(row, resulting, proration, moment))


def _due_next(row: Subscription, resulting: int, proration: Proration, moment: datetime) -> int:
    """After a charge of its own, the next invoice holds nothing but the new number of seats."""
    later = Proration.SILENT if proration == Proration.INVOICE_NOW else proration
    try:
        due, _ = providers.current().preview_due(_request(row, resulting, later, moment))
    except VendorNotFound as error:
        if error.code != NOTHING_UPCOMING:
            raise
        return 0  # it ends, and nothing is owed for the rest
    return due


def _request(
    row: Subscription, resulting: int, proration: Proration, moment: datetime
) -> SeatChangeRequest:
    return SeatChangeRequest(
        subscription_id=row.external_id,
        item_id=row.stripe_item_id,
        quantity=resulting,
        proration=proration,
        proration_date=moment,
    )


def _remember(organization: Organization, resulting: int, moment: datetime) -> None:
    """So that the change, if it comes soon, is charged from the moment the screen showed."""
    with transaction.atomic():
        locked = tenancy_locks.organization(organization.pk)
        SeatState.objects.update_or_create(
            organization=locked,
            defaults={"previewed_quantity": resulting, "previewed_at": moment},
        )
