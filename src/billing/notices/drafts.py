"""Decide whether a notice applies now, and collect the facts it states."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import dateformat, timezone

from billing import statuses
from billing.models import Invoice, NoticeKind, SeatChange, Subscription
from billing.money import format_amount
from billing.seat_rules import Mode
from billing.seats import snapshot
from billing.seats.snapshot import SeatSnapshot
from billing.statuses import Access, Status
from identity.models import MissingAdmin
from tenancy.models import Organization

# How long before the end of a grace period or trial its notice is due.
NOTICE_LEAD: Final = timedelta(days=3)
# What happened longer ago is not told any more, say when notices are switched on.
MAX_NOTICE_AGE: Final = timedelta(days=3)

STATE_BY_KIND: Final = {
    NoticeKind.ORGANIZATION_SUSPENDED: Organization.State.SUSPENDED,
    NoticeKind.ORGANIZATION_RESTORED: Organization.State.ACTIVE,
}

type Facts = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice that applies now, with its occasion and its facts as they were read from rows."""

    organization: Organization
    kind: NoticeKind
    subject_id: UUID
    reference: str
    facts: Mapping[str, str]


def build_draft(kind: NoticeKind, subject_id: UUID) -> Draft | None:
    """Return the notice about an invoice, a subscription or an organization, if it applies now."""
    match kind:
        case NoticeKind.PAYMENT_FAILED:
            return _build_payment_failed(subject_id)
        case NoticeKind.SEATS_OVER_LIMIT:
            return _build_seats_over_limit(subject_id)
        case NoticeKind.ADMIN_LOST:
            return _build_admin_lost(subject_id)
        case NoticeKind.ORGANIZATION_SUSPENDED | NoticeKind.ORGANIZATION_RESTORED:
            return _build_state_change(kind, subject_id)
        case _:
            rows = Subscription.objects.select_related("organization", "price__plan")
            subscription = rows.get(pk=subject_id)
            drafts = list_subscription_drafts(subscription, now=timezone.now())
            return next((draft for draft in drafts if draft.kind == kind), None)


def list_subscription_drafts(row: Subscription, *, now: datetime) -> Iterator[Draft]:
    """Yield the notices that apply to a subscription at a time."""
    if row.is_surplus or row.organization.is_deleted:
        return
    for kind, find in OCCASIONS.items():
        occasion = find(row, now)
        if occasion is not None:
            moment, facts = occasion
            yield Draft(
                organization=row.organization,
                kind=kind,
                subject_id=row.pk,
                reference=f"{row.pk}:{moment.isoformat()}",
                facts={"plan": _name_plan(row), **facts},
            )


def _build_payment_failed(invoice_id: UUID) -> Draft | None:
    """Return a draft while the invoice is open and new, so that an old one that is stored late has none.

    A first payment has none: its page shows the failure to the admin who pays.
    """
    row = Invoice.objects.select_related("organization", "subscription").get(pk=invoice_id)
    agreed = row.subscription
    if row.status != Invoice.Status.OPEN or row.organization.is_deleted or agreed is None:
        return None
    if agreed.status in (Status.INCOMPLETE, Status.INCOMPLETE_EXPIRED):
        return None
    if row.issued_at < timezone.now() - MAX_NOTICE_AGE:
        return None
    until = statuses.compute_grace_end(agreed.status, agreed.past_due_since)
    return Draft(
        organization=row.organization,
        kind=NoticeKind.PAYMENT_FAILED,
        subject_id=row.pk,
        reference=str(row.pk),
        facts={
            "invoice": row.number,
            "amount": format_amount(row.amount_due, row.currency),
            "issued_at": format_moment(row.issued_at),
            "grace_until": format_moment(until) if until and until > timezone.now() else "",
        },
    )


def _build_seats_over_limit(organization_id: UUID) -> Draft | None:
    """Return a draft while more seats are taken than the plan allows."""
    organization = Organization.objects.get(pk=organization_id)
    seats = SeatSnapshot.read(organization)
    maximum = seats.plan.maximum_seats
    if organization.is_deleted or maximum is None or not seats.inputs.is_over_limit:
        return None
    if seats.row.mode == Mode.MANUAL and seats.subscription is not None:
        return None
    # The ledger tells when the seats last were within this maximum: members who join while they
    # are over it are no new occasion.
    within = SeatChange.objects.filter(organization=organization, counted_after__lte=maximum)
    revision = within.order_by("-revision").values_list("revision", flat=True).first()
    return Draft(
        organization=organization,
        kind=NoticeKind.SEATS_OVER_LIMIT,
        subject_id=organization.pk,
        reference=f"{maximum}:{revision or 0}",
        facts={
            "plan": seats.plan.name,
            "maximum": str(maximum),
            "counted": str(seats.count.counted),
            "billed": "yes" if seats.subscription else "",
        },
    )


def _build_admin_lost(missing_admin_id: UUID) -> Draft | None:
    """Return a draft while the organization has members and no admin."""
    row = MissingAdmin.objects.select_related("organization").get(pk=missing_admin_id)
    if row.resolved_at is not None or row.organization.is_deleted:
        return None
    return Draft(
        organization=row.organization,
        kind=NoticeKind.ADMIN_LOST,
        subject_id=row.pk,
        reference=str(row.pk),
        facts={
            "since": format_moment(row.detected_at),
            "is_sent_to_staff": "yes" if settings.STAFF_ALERT_ADDRESSES else "",
        },
    )


def _build_state_change(kind: NoticeKind, organization_id: UUID) -> Draft | None:
    """Return a draft while the organization is in the state that staff put it in."""
    organization = Organization.objects.get(pk=organization_id)
    changed_at = organization.state_changed_at
    if changed_at is None or organization.state != STATE_BY_KIND[kind]:
        return None
    return Draft(
        organization=organization,
        kind=kind,
        subject_id=organization.pk,
        reference=changed_at.isoformat(),
        facts={"since": format_moment(changed_at), "reason": organization.suspension_reason},
    )


def _find_grace_ending(row: Subscription, now: datetime) -> tuple[datetime, Facts] | None:
    until = statuses.compute_grace_end(row.status, row.past_due_since)
    if until is None or row.past_due_since is None or not now < until <= now + NOTICE_LEAD:
        return None
    facts = {"since": format_moment(row.past_due_since), "grace_until": format_moment(until)}
    return row.past_due_since, facts


def _find_access_limited(row: Subscription, now: datetime) -> tuple[datetime, Facts] | None:
    """Return when the time without payment began, once access is limited because of it."""
    access = statuses.decide_access(
        row.status, past_due_since=row.past_due_since, now=now, was_active=row.is_active
    )
    began = row.past_due_since or row.inactive_since
    if access != Access.LIMITED or began is None:
        return None
    if now > began + statuses.GRACE_PERIOD + MAX_NOTICE_AGE:
        return None
    return began, {
        "since": format_moment(began),
        "paused": "yes" if row.status == Status.PAUSED else "",
        "default_plan": snapshot.default_plan().name,
    }


def _find_subscription_ended(row: Subscription, now: datetime) -> tuple[datetime, Facts] | None:
    """Return when it ended, unless another subscription has replaced it."""
    ended = row.ended_at or row.inactive_since
    if row.status != Status.CANCELED or row.current_for_id is None or ended is None:
        return None
    if now > ended + MAX_NOTICE_AGE:
        return None
    default_plan = snapshot.default_plan().name
    return ended, {"ended_at": format_moment(ended), "default_plan": default_plan}


def _find_trial_ending(row: Subscription, now: datetime) -> tuple[datetime, Facts] | None:
    until = row.trial_end
    if row.status != Status.TRIALING or until is None or not now < until <= now + NOTICE_LEAD:
        return None
    return until, {
        "trial_end": format_moment(until),
        "is_ending": "yes" if row.is_ending else "",
    }


OCCASIONS: Final[
    dict[NoticeKind, Callable[[Subscription, datetime], tuple[datetime, Facts] | None]]
] = {
    NoticeKind.GRACE_ENDING: _find_grace_ending,
    NoticeKind.ACCESS_LIMITED: _find_access_limited,
    NoticeKind.SUBSCRIPTION_ENDED: _find_subscription_ended,
    NoticeKind.TRIAL_ENDING: _find_trial_ending,
}


def format_moment(moment: datetime) -> str:
    """Format a moment with its time zone, as `5 December 2026, 14:00 UTC`."""
    return f"{dateformat.format(moment.astimezone(UTC), 'j F Y, H:i')} UTC"


def _name_plan(row: Subscription) -> str:
    return row.plan.name if row.plan else ""
