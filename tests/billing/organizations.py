"""Create organizations in this process, with members, a subscription and seats."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing import providers
from billing.models import Price, SeatAttempt, SeatState, Subscription
from billing.providers.types import CheckoutRequest
from billing.seat_sync import push
from billing.seats import limits
from billing.seats import report as seats_report
from billing.subscriptions import checkout, subscriptions
from identity import roles
from identity.directories.types import (
    MemberDeleted,
    MemberSnapshot,
    OrganizationDeleted,
    OrganizationSnapshot,
)
from identity.models import Invitation
from identity.sync import apply
from kit import outbound
from tenancy import locks
from tests.billing.support import (
    LANDING,
    build_stripe_client,
    create_plan_price,
    get_stripe_price_id,
)


class BillingOrganization:
    """Hold the row of an organization, and change it with the functions that follow Stytch and Stripe.

    Nothing is sent to Stytch: a change of members is the snapshot that identity would apply.
    """

    def __init__(self, sandbox, *, seats=1, price=None, **terms):
        self.sandbox = sandbox
        snapshot = OrganizationSnapshot(
            read_at=timezone.now(),
            stytch_org_id=f"organization-test-{uuid4()}",
            name="Acme",
            slug=f"acme-{secrets.token_hex(4)}",
        )
        self.row = apply.apply_snapshot(snapshot).organization
        self.members = [self.add_member() for _ in range(seats)]
        self.price = price or (
            create_plan_price(**terms) if terms else Price.objects.get(lookup_key="team_monthly")
        )

    # ── members ──────────────────────────────────────────────────────────────────────────────
    def add_member(self, role="member"):
        return self._apply_member(_build_email(), role, status="active").member

    def remove_member(self, member):
        apply.apply_snapshot(MemberDeleted(stytch_member_id=member.stytch_member_id))

    def change_role(self, member, role):
        self._apply_member(
            member.email, role, status="active", stytch_member_id=member.stytch_member_id
        )

    def invite(self, role="member", *, expires_in=None):
        invitation = self._apply_member(_build_email(), role, status="invited").invitation
        if expires_in is not None:
            expires_at = timezone.now() + expires_in
            Invitation.objects.filter(pk=invitation.pk).update(expires_at=expires_at)
        return invitation

    def accept_invitation(self, invitation):
        return self._apply_member(
            invitation.email,
            invitation.role,
            status="active",
            stytch_member_id=invitation.stytch_member_id,
        ).member

    def request_seat(self, role="member", **more):
        """Check that a seat is free, as identity does before it asks Stytch for a change."""
        with transaction.atomic():
            organization = locks.lock_organization(self.row.pk)
            limits.require_room(organization=organization, role=role, **more)

    def delete(self):
        apply.apply_snapshot(OrganizationDeleted(stytch_org_id=self.row.stytch_org_id))

    def _apply_member(self, email, role, *, status, stytch_member_id=None):
        snapshot = MemberSnapshot(
            stytch_member_id=stytch_member_id or f"member-test-{uuid4()}",
            stytch_org_id=self.row.stytch_org_id,
            email=email,
            email_verified=True,
            name="",
            status=status,
            roles=tuple(roles.to_stytch(role)),
            read_at=datetime.now(UTC),
        )
        return apply.apply_snapshot(snapshot)

    # ── subscription ─────────────────────────────────────────────────────────────────────────
    def open_checkout(self):
        return checkout.open_checkout(
            organization=self.row,
            price=self.price,
            success_url=LANDING,
            cancel_url=LANDING,
        )

    def pay_checkout(self, page):
        """Pay on Stripe's page and return the id of the new subscription."""
        self.sandbox.post(f"/checkout/{page.external_id}/pay")
        return providers.get_provider("stripe").fetch_checkout(page.external_id).subscription_id

    def subscribe(self):
        subscriptions.pull_subscription("stripe", self.pay_checkout(self.open_checkout()))
        return self

    def subscribe_at_stripe(self):
        """Buy at Stripe without our checks, and return the id of the new subscription."""
        request = CheckoutRequest(
            organization_id=self.row.pk,
            customer_id=self.customer_id,
            checkout_id=uuid4(),
            price_id=get_stripe_price_id(self.price),
            quantity=1,
            trial_days=0,
            success_url=LANDING,
            cancel_url=LANDING,
        )
        key = f"checkout-{request.checkout_id}"
        return self.pay_checkout(providers.get_provider("stripe").open_checkout(request, key=key))

    def edit_at_stripe(self, **changes):
        """Edit the subscription in Stripe's dashboard, and pull it."""
        self.sandbox.post(f"/stripe/subscriptions/{self.subscription.external_id}", **changes)
        return subscriptions.pull_subscription("stripe", self.subscription.external_id)

    def add_fault(self, **fault):
        """Make the next request about the subscription fail at Stripe."""
        path = f"/subscriptions/{self.subscription.external_id}"
        self.sandbox.post("/faults", vendor="stripe", path=path, **fault)

    @property
    def customer_id(self):
        return self.row.customer.external_id

    @property
    def subscription(self):
        return Subscription.objects.get(current_for=self.row)

    def list_invoices(self):
        """Return the invoices at Stripe, newest first."""
        return build_stripe_client().v1.invoices.list({"customer": self.customer_id}).data

    # ── seats ────────────────────────────────────────────────────────────────────────────────
    def sync_seats(self, **options):
        """Run the job of a seat change, as if the last attempt had ended a minute ago."""
        earlier = F("finished_at") - timedelta(minutes=1)
        self.attempts.update(finished_at=earlier)
        with outbound.use_job_timeouts():
            push.sync_seats(organization_id=self.row.pk, **options)
        return self

    def retry_seat_sync(self):
        """End the lease of the attempt in flight, and run the job again."""
        expired = timezone.now() - timedelta(seconds=1)
        self.attempts.in_flight().update(lease_until=expired)
        return self.sync_seats()

    @property
    def report(self):
        return seats_report.build_report(self.row)

    @property
    def seat_state(self):
        return self.report.state

    @property
    def seat_row(self):
        return SeatState.objects.get(organization=self.row)

    @property
    def attempts(self):
        return SeatAttempt.objects.filter(organization=self.row).order_by("created_at")

    @property
    def billed_quantity(self):
        """Return the quantity that Stripe has now."""
        snapshot = providers.get_provider("stripe").fetch_subscription(
            self.subscription.external_id
        )
        return snapshot.items[0].quantity

    def list_seat_requests(self):
        """Return the requests that Stripe got to change the quantity, oldest first."""
        path = f"/v1/subscriptions/{self.subscription.external_id}"
        return [
            request
            for request in self.sandbox.requests("stripe", "POST", path)
            if "items[0][quantity]" in (request["body"] or {})
        ]

    def list_sent_quantities(self):
        return [int(request["body"]["items[0][quantity]"]) for request in self.list_seat_requests()]


def _build_email():
    return f"{secrets.token_hex(6)}@acme.example"
