"""Firms: organizations made straight in the tables, with members who come and go as told."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import stripe
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import providers
from billing.models import Plan, Price, SeatAttempt, SeatState, Subscription
from billing.providers.types import CheckoutRequest, PriceSnapshot
from billing.seat_sync import push
from billing.seats import report as seats_report
from billing.subscriptions import checkout, subscriptions
from identity import signals
from identity.models import Invitation, Member, Status, User
from kit import outbound
from tenancy import locks
from tenancy.services import organizations
from tests.harness.plugin import SANDBOX_URL

LANDING = f"{SANDBOX_URL}/landing"


def sell(**terms):
    """A plan on terms of one's own, with a price at Stripe; not public, so that no list grows."""
    key = f"plan-{secrets.token_hex(4)}"
    plan = Plan.objects.create(key=key, name=key, stripe_product_id=key, is_public=False, **terms)
    price = Price.objects.create(
        plan=plan, lookup_key=key, amount=1_000, currency="usd", interval="month"
    )
    providers.get_provider().save_product(key, name=key, description=key)
    wanted = PriceSnapshot(
        external_id="",
        product_id=key,
        lookup_key=key,
        amount=1_000,
        currency="usd",
        interval="month",
    )
    price.stripe_price_id = providers.get_provider().create_price(wanted, key=key).external_id
    price.save()
    return price


def stripe_client():
    """Stripe as someone changes it in its dashboard."""
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY, base_addresses={"api": settings.STRIPE_BASE_URL}
    )


def waiting(name, **arguments):
    """The jobs of that name with these arguments that no one has begun."""
    jobs = ProcrastinateJob.objects.filter(task_name=name, status="todo")
    return jobs.filter(**{f"args__{key}": value for key, value in arguments.items()})


def together(*calls):
    """Run the calls at once, each in a thread with a connection of its own."""

    def alone(call):
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(alone, calls))


def most_calls(began):
    """What a burst since then may have cost: five, and one for each quarter of a minute a slow
    machine took."""
    return 5 + int(time.monotonic() - began) // 15


class Firm:
    """An organization; `join` and `leave` do what the directory does when Stytch has spoken."""

    def __init__(self, sandbox, *, seats=1, price=None, **terms):
        self.sandbox = sandbox
        with transaction.atomic():
            self.organization = organizations.create_organization(
                stytch_org_id=f"organization-test-{uuid4()}",
                name="Firm",
                slug=f"firm-{secrets.token_hex(4)}",
            )
        self.members = [self.join() for _ in range(seats)]
        self.price = price or (
            sell(**terms) if terms else Price.objects.get(lookup_key="team_monthly")
        )

    # ── members ──────────────────────────────────────────────────────────────────────────────
    def join(self, role="member"):
        email = f"{secrets.token_hex(6)}@firm.example"
        with self._locked() as organization:
            user = User.objects.create(email=email)
            member = Member.objects.create(
                organization=organization,
                user=user,
                stytch_member_id=f"member-test-{uuid4()}",
                email=email,
                role=role,
                status=Status.ACTIVE,
            )
            signals.member_added.send(sender=Member, organization=organization, member=member)
        return member

    def leave(self, member):
        with self._locked() as organization:
            member.status, member.removed_at = Status.REMOVED, timezone.now()
            member.save()
            signals.member_removed.send(sender=Member, organization=organization, member=member)

    def become(self, member, role):
        before = member.role
        with self._locked() as organization:
            member.role = role
            member.save()
            signals.member_role_changed.send(
                sender=Member, organization=organization, member=member, before=before, after=role
            )

    def invite(self, role="member", *, expires_in=timedelta(days=7)):
        with self._locked() as organization:
            invitation = Invitation.objects.create(
                organization=organization,
                stytch_member_id=f"member-test-{uuid4()}",
                email=f"{secrets.token_hex(6)}@firm.example",
                role=role,
                expires_at=timezone.now() + expires_in,
            )
            signals.invitation_created.send(
                sender=Invitation, organization=organization, invitation=invitation
            )
        return invitation

    def want(self, role="member", **more):
        """What identity asks before it invites, promotes or reactivates."""
        with self._locked() as organization:
            signals.seat_wanted.send(
                sender=Member, organization=organization, role=role, reason="test", **more
            )

    @contextmanager
    def _locked(self):
        """Under the organization's lock, as every road to a membership is."""
        with transaction.atomic():
            yield locks.lock_organization(self.organization.pk)

    # ── the agreement ────────────────────────────────────────────────────────────────────────
    def checkout(self):
        return checkout.open_checkout(
            organization=self.organization,
            price=self.price,
            success_url=LANDING,
            cancel_url=LANDING,
        )

    def pay(self, page):
        self.sandbox.post(f"/checkout/{page.external_id}/pay")
        return providers.get_provider().fetch_checkout(page.external_id).subscription_id

    def subscribe(self):
        subscriptions.pull_subscription(self.pay(self.checkout()))
        return self

    def like_a_page(self):
        """What someone would have to ask Stripe for behind our back to buy a second time."""
        return CheckoutRequest(
            organization_id=self.organization.pk,
            customer_id=self.organization.customer.stripe_customer_id,
            price_id=self.price.stripe_price_id,
            quantity=1,
            trial_days=0,
            success_url=LANDING,
            cancel_url=LANDING,
        )

    @property
    def subscription(self):
        return Subscription.objects.get(current_for=self.organization)

    def invoices(self):
        """What Stripe has charged, newest first."""
        customer_id = self.organization.customer.stripe_customer_id
        return stripe_client().v1.invoices.list({"customer": customer_id}).data

    def in_dashboard(self, **changes):
        """Someone edits the subscription at Stripe, and we are told."""
        self.sandbox.post(f"/stripe/subscriptions/{self.subscription.external_id}", **changes)
        return subscriptions.pull_subscription(self.subscription.external_id)

    # ── seats ────────────────────────────────────────────────────────────────────────────────
    def sync(self, **how):
        """A minute later a job comes by, so that the pace of many changes at once is no matter."""
        earlier = F("finished_at") - timedelta(minutes=1)
        self.attempts().update(finished_at=earlier)
        with outbound.use_job_timeouts():
            push.sync_seats(organization_id=self.organization.pk, **how)
        return self

    def come_back(self):
        """Anyone who held the attempt is silent for long enough; a job tries again."""
        SeatAttempt.objects.in_flight().filter(organization=self.organization).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
        return self.sync()

    @property
    def report(self):
        return seats_report.build_report(self.organization)

    @property
    def state(self):
        return self.report.state

    @property
    def remembered(self):
        return SeatState.objects.get(organization=self.organization)

    @property
    def billed(self):
        """The quantity Stripe has, asked of Stripe."""
        snapshot = providers.get_provider().fetch_subscription(self.subscription.external_id)
        return snapshot.items[0].quantity

    def sent(self):
        """The changes Stripe was asked for, oldest first."""
        path = f"/v1/subscriptions/{self.subscription.external_id}"
        return [
            request
            for request in self.sandbox.requests("stripe", "POST", path)
            if "items[0][quantity]" in (request["body"] or {})
        ]

    def quantities(self):
        return [int(request["body"]["items[0][quantity]"]) for request in self.sent()]

    def attempts(self):
        return SeatAttempt.objects.filter(organization=self.organization).order_by("created_at")

    def fault(self, **fault):
        """Stripe's next change of this subscription goes wrong."""
        path = f"/subscriptions/{self.subscription.external_id}"
        self.sandbox.post("/faults", vendor="stripe", path=path, **fault)
