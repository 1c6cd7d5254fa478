"""The count of an organization's seats, and the inputs of every decision about them."""

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from billing import providers, seat_rules
from billing.models import NoticeKind, Plan, SeatAttempt, SeatState, Subscription
from billing.seat_rules import NO_TERMS, Mode, SeatDecision, SeatInputs, SeatPolicy, State
from billing.statuses import SeatItem
from identity.models import Invitation, Member, PendingChange, User
from identity.models.members import MemberQuerySet
from kit import jobs
from tenancy.models import Organization

SETTLED_STATES = (State.IN_SYNC, State.OVER_LIMIT, State.MANUAL, State.NONE)


@dataclass(frozen=True, slots=True)
class SeatCount:
    """Seats taken by members, by invitations, and by pending changes."""

    counted: int
    reserved: int
    incoming: int = 0

    @property
    def taken(self) -> int:
        """Return the number that a maximum is measured against."""
        return self.counted + self.reserved + self.incoming


def select_billable_members(plan: Plan) -> MemberQuerySet:
    """Select the members of all organizations that a plan bills, without staff."""
    staff = User.objects.filter(is_staff=True).values("pk")
    members = Member.objects.active().with_roles(*plan.billable_roles)
    return members.exclude(user__in=staff)


def count_seats(organization: Organization, plan: Plan) -> SeatCount:
    """Count the seats of an organization, for sync, checkout, preview and limits alike.

    Active members in a billable role count; a person is such a member once, by a constraint, and
    staff do not count. Pending invitations to a billable role reserve a seat without being billed,
    unless the plan says otherwise.
    """
    counted = select_billable_members(plan).in_organization(organization).count()
    reserved = _reserving(organization, plan).count()
    incoming = (
        PendingChange.objects.in_organization(organization)
        .taking_seats(*plan.billable_roles)
        .count()
    )
    if plan.bills_invitations:
        return SeatCount(counted + reserved, 0, incoming)
    return SeatCount(counted, reserved, incoming)


def _reserving(organization: Organization, plan: Plan) -> QuerySet[Invitation]:
    """Select the invitations that hold a seat, without those of active members.

    The two meet by address, or by the directory's id where both have one. Each invitation asks the
    indexes on those: `NOT IN` over all members is empty as soon as one has no id, and took seconds
    beyond 100,000 of them.
    """
    invitations = (
        Invitation.objects.in_organization(organization).pending().with_roles(*plan.billable_roles)
    )
    members = Member.objects.in_organization(organization).active()
    same_address = members.filter(email_key=OuterRef("email_key"))
    same_id = members.filter(stytch_member_id=OuterRef("stytch_member_id"))
    return invitations.exclude(Exists(same_address)).exclude(Exists(same_id))


def find_subscription(organization: Organization) -> Subscription | None:
    """Return the live subscription with its plan, if there is one."""
    live = Subscription.objects.live().filter(organization_id=organization.pk)
    return live.select_related("price__plan").first()


def default_plan() -> Plan:
    """Return the plan of an organization without a subscription."""
    return Plan.objects.filter(is_default=True).first() or Plan(key="none", name="None")


@dataclass(frozen=True, slots=True)
class SeatSnapshot:
    """The seats of an organization at one time.

    Take the organization's lock before reading one in order to change it.
    """

    organization: Organization
    row: SeatState
    subscription: Subscription | None
    plan: Plan
    count: SeatCount
    attempt: SeatAttempt | None

    @classmethod
    def read(cls, organization: Organization) -> Self:
        """Count, and load the subscription and the state."""
        subscription = find_subscription(organization)
        plan = (subscription.plan if subscription else None) or default_plan()
        row = SeatState.objects.filter(organization_id=organization.pk).first()
        attempts = SeatAttempt.objects.in_flight().filter(organization_id=organization.pk)
        return cls(
            organization=organization,
            row=row or SeatState(organization=organization),
            subscription=subscription,
            plan=plan,
            count=count_seats(organization, plan),
            attempt=attempts.first(),
        )

    @property
    def inputs(self) -> SeatInputs:
        """Return the inputs of `seat_rules.decide_seats`."""
        agreed = self.subscription
        return SeatInputs(
            counted=self.count.counted,
            policy=self.policy,
            status=agreed.status if agreed else None,
            observed=agreed.quantity if agreed else None,
            is_ending=agreed.is_ending if agreed else False,
            seat_item=agreed.seat_item if agreed else SeatItem.MISSING,
            mode=self.row.mode,
            contract=self.row.contract_seats,
            sends_contract=self.row.sends_contract,
            has_drifted=self.row.drifted_since is not None,
            is_in_flight=self.attempt is not None,
            failed_quantity=self.row.failed_quantity,
            terms=providers.get_seat_terms(agreed.provider) if agreed else NO_TERMS,
            paid=agreed.paid_seats if agreed else None,
            is_held=self.row.held_until is not None and self.row.held_until > timezone.now(),
        )

    @property
    def policy(self) -> SeatPolicy:
        """Return the rules of the price or the plan, with the purchased seats as the minimum."""
        price = self.subscription.price if self.subscription else None
        return self._raise_minimum((price or self.plan).seat_policy)

    def _raise_minimum(self, policy: SeatPolicy) -> SeatPolicy:
        purchased = self.subscription.purchased_seats if self.subscription else None
        return replace(policy, minimum=max(policy.minimum, purchased or 1))

    def billed_with(self, added: int) -> int:
        """Return the quantity billed with `added` more seats, in manual mode the present one."""
        inputs = self.inputs
        if inputs.mode == Mode.MANUAL and inputs.observed is not None:
            return inputs.observed
        return replace(inputs, counted=max(0, inputs.counted + added)).target

    def compute_target(self, plan: Plan) -> int:
        """Return the seats to bill by another plan, or those of the contract."""
        counted = count_seats(self.organization, plan).counted
        policy = self._raise_minimum(plan.seat_policy)
        return replace(self.inputs, counted=counted, policy=policy).target

    def decide(self) -> SeatDecision:
        """Return what to send now."""
        return seat_rules.decide_seats(self.inputs)

    def drop_refusals(self) -> None:
        """Drop what the provider refused or asked to wait for, so that it is sent again."""
        self.row.failed_quantity = self.row.held_until = None

    def save_state(self, decision: SeatDecision) -> None:
        """Store the state of a decision, without the count, which the ledger writes.

        An unsettled state keeps `dirty_since` until it is settled.
        """
        row, now = self.row, timezone.now()
        if decision.state == State.OVER_LIMIT and row.state != State.OVER_LIMIT:
            _defer_over_limit_notice(self.organization.pk)
        row.state = decision.state
        row.reserved = self.count.reserved
        row.provider_quantity = self.subscription.quantity if self.subscription else None
        if decision.state in SETTLED_STATES:
            row.dirty_since = row.drifted_since = row.failed_quantity = row.held_until = None
            row.last_error, row.sends_contract = "", False
        else:
            row.dirty_since = row.dirty_since or now
        row.save()


def _defer_over_limit_notice(organization_id: UUID) -> None:
    jobs.defer_job(
        "billing.send_notice",
        kind=NoticeKind.SEATS_OVER_LIMIT,
        subject_id=str(organization_id),
    )


def defer_sync(organization_id: UUID, *, is_forced: bool = False) -> None:
    """Defer a sync in the running transaction, one at most, under the organization's lock."""
    suffix = ":forced" if is_forced else ""
    jobs.defer_job(
        "billing.sync_seats",
        coalesce=f"{organization_id}{suffix}",
        organization_id=str(organization_id),
        is_forced=is_forced,
    )
