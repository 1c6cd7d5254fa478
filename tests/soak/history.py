"""Run random histories of members, staff, Stripe and the network from a seed."""

import contextlib
import random

from django.db import connections

from billing.models import Subscription
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import changes
from kit.errors import Problem
from kit.outbound import VendorNotFound, VendorUnavailable
from tests.billing.organizations import BillingOrganization

FAULTS = (
    {"status": 500, "method": "POST"},
    {"status": 429, "method": "POST"},
    {"status": 503},
    {"drop": True, "method": "POST"},
    {"drop": True, "after_effect": True, "method": "POST"},
    {"drop": True, "method": "GET"},
    {"timeout": 0.3},
)


class History:
    """Run random operations on its own organizations; the seed decides all of them."""

    def __init__(self, sandbox, seed, prices, *, organizations=3):
        self.sandbox = sandbox
        self.random = random.Random(seed)
        self.prices = prices
        self.organizations = [
            BillingOrganization(
                sandbox, seats=self.random.randint(1, 4), price=self.random.choice(prices)
            )
            for _ in range(organizations)
        ]
        self.operations = []
        for organization in self.organizations[1:]:
            organization.subscribe()

    def run(self, steps):
        """Run the operations; each may raise a Problem and no other exception."""
        try:
            for _ in range(steps):
                organization, operation = (
                    self.random.choice(self.organizations),
                    self._choose_operation(),
                )
                self.operations.append(operation.__name__)
                with contextlib.suppress(Problem):
                    operation(organization)
        finally:
            connections.close_all()
        return self

    def _choose_operation(self):
        weights = {
            self.add_member: 8, self.remove_member: 5, self.change_role: 3, self.invite: 1, self.sync: 4,
            self.subscribe: 6, self.change: 2, self.cancel: 1, self.resume: 1, self.end: 1,
            self.edit_quantity: 2, self.fail_payment: 1, self.recover_payment: 2, self.add_fault: 4,
        }  # fmt: skip
        return self.random.choices(list(weights), list(weights.values()))[0]

    def add_member(self, organization):
        organization.members.append(
            organization.add_member(self.random.choice(["member", "admin", "viewer"]))
        )

    def remove_member(self, organization):
        if organization.members:
            organization.remove_member(
                organization.members.pop(self.random.randrange(len(organization.members)))
            )

    def change_role(self, organization):
        if organization.members:
            organization.change_role(
                self.random.choice(organization.members), self.random.choice(["member", "viewer"])
            )

    def invite(self, organization):
        organization.invite()

    def sync(self, organization):
        organization.sync_seats(is_forced=self.random.random() < 0.3)

    def subscribe(self, organization):
        if find_live_subscription(organization) is None:
            page = organization.open_checkout()
            with contextlib.suppress(VendorUnavailable, VendorNotFound):
                organization.pay_checkout(page)

    def change(self, organization):
        changes.change_price(organization=organization.row, price=self.random.choice(self.prices))

    def cancel(self, organization):
        changes.cancel_subscription(organization=organization.row)

    def resume(self, organization):
        changes.resume_subscription(organization=organization.row)

    def end(self, organization):
        changes.end_subscription_now(organization=organization.row)

    def edit_quantity(self, organization):
        self._edit_at_stripe(organization, quantity=self.random.randint(1, 9))

    def fail_payment(self, organization):
        self._edit_at_stripe(organization, status=self.random.choice(["past_due", "unpaid"]))

    def recover_payment(self, organization):
        self._edit_at_stripe(organization, status="active")

    def add_fault(self, organization):
        row = find_live_subscription(organization)
        if row is not None:
            path = f"/subscriptions/{row.external_id}"
            rule = self.random.choice(FAULTS)
            self.sandbox.post("/faults", vendor="stripe", path=path, **rule)

    def _edit_at_stripe(self, organization, **changes):
        row = find_live_subscription(organization)
        if row is not None:
            with contextlib.suppress(AssertionError):  # the subscription has ended meanwhile
                self.sandbox.post(f"/stripe/subscriptions/{row.external_id}", **changes)


def find_live_subscription(organization):
    """Return the stored subscription of an organization that has not ended."""
    rows = Subscription.objects.filter(organization=organization.row).exclude(
        status__in=ENDED_STATUSES
    )
    return rows.first()
