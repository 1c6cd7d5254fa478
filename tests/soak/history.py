"""Random histories: what people, staff, Stripe and the network may do to some organizations, from a seed."""

import contextlib
import random

from django.db import connections

from billing.models import Subscription
from billing.statuses import ENDED
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
    """`steps` operations on organizations of its own; the seed says all."""

    def __init__(self, sandbox, seed, prices, *, organizations=3):
        self.sandbox = sandbox
        self.dice = random.Random(seed)
        self.prices = prices
        self.organizations = [
            BillingOrganization(
                sandbox, seats=self.dice.randint(1, 4), price=self.dice.choice(prices)
            )
            for _ in range(organizations)
        ]
        self.deeds = []
        for organization in self.organizations[1:]:
            organization.subscribe()

    def run(self, steps):
        """Do them; what a service refuses in its own words is fine, anything else is not."""
        try:
            for _ in range(steps):
                organization, deed = self.dice.choice(self.organizations), self._deed()
                self.deeds.append(deed.__name__)
                with contextlib.suppress(Problem):
                    deed(organization)
        finally:
            connections.close_all()
        return self

    def _deed(self):
        weights = {
            self.join: 8, self.leave: 5, self.become: 3, self.invite: 1, self.sync: 4,
            self.subscribe: 6, self.change: 2, self.cancel: 1, self.resume: 1, self.end: 1,
            self.edit: 2, self.trouble: 1, self.recover: 2, self.fault: 4,
        }  # fmt: skip
        return self.dice.choices(list(weights), list(weights.values()))[0]

    def join(self, organization):
        organization.members.append(
            organization.add_member(self.dice.choice(["member", "admin", "viewer"]))
        )

    def leave(self, organization):
        if organization.members:
            organization.remove_member(
                organization.members.pop(self.dice.randrange(len(organization.members)))
            )

    def become(self, organization):
        if organization.members:
            organization.change_role(
                self.dice.choice(organization.members), self.dice.choice(["member", "viewer"])
            )

    def invite(self, organization):
        organization.invite()

    def sync(self, organization):
        organization.sync_seats(is_forced=self.dice.random() < 0.3)

    def subscribe(self, organization):
        if live(organization) is None:
            page = organization.open_checkout()
            with contextlib.suppress(VendorUnavailable, VendorNotFound):
                organization.pay_checkout(page)

    def change(self, organization):
        changes.change_price(organization=organization.row, price=self.dice.choice(self.prices))

    def cancel(self, organization):
        changes.cancel_subscription(organization=organization.row)

    def resume(self, organization):
        changes.resume_subscription(organization=organization.row)

    def end(self, organization):
        changes.end_subscription_now(organization=organization.row)

    def edit(self, organization):
        self._in_dashboard(organization, quantity=self.dice.randint(1, 9))

    def trouble(self, organization):
        self._in_dashboard(organization, status=self.dice.choice(["past_due", "unpaid"]))

    def recover(self, organization):
        self._in_dashboard(organization, status="active")

    def fault(self, organization):
        row = live(organization)
        if row is not None:
            path = f"/subscriptions/{row.external_id}"
            rule = self.dice.choice(FAULTS)
            self.sandbox.post("/faults", vendor="stripe", path=path, **rule)

    def _in_dashboard(self, organization, **changes):
        row = live(organization)
        if row is not None:
            with contextlib.suppress(AssertionError):  # it has ended meanwhile
                self.sandbox.post(f"/stripe/subscriptions/{row.external_id}", **changes)


def live(organization):
    """The subscription of an organization as we know it."""
    rows = Subscription.objects.filter(organization=organization.row).exclude(status__in=ENDED)
    return rows.first()
