"""Random histories: what people, staff, Stripe and the network may do to some firms, from a seed."""

import contextlib
import random

from django.db import connections

from billing.models import Subscription
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import changes
from kit.errors import Problem
from kit.outbound import VendorNotFound, VendorUnavailable
from tests.billing.support import Firm

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
    """`steps` operations on firms of its own; the seed says all."""

    def __init__(self, sandbox, seed, prices, *, firms=3):
        self.sandbox = sandbox
        self.dice = random.Random(seed)
        self.prices = prices
        self.firms = [
            Firm(sandbox, seats=self.dice.randint(1, 4), price=self.dice.choice(prices))
            for _ in range(firms)
        ]
        self.deeds = []
        for firm in self.firms[1:]:
            firm.subscribe()

    def run(self, steps):
        """Do them; what a service refuses in its own words is fine, anything else is not."""
        try:
            for _ in range(steps):
                firm, deed = self.dice.choice(self.firms), self._deed()
                self.deeds.append(deed.__name__)
                with contextlib.suppress(Problem):
                    deed(firm)
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

    def join(self, firm):
        firm.members.append(firm.join(self.dice.choice(["member", "admin", "viewer"])))

    def leave(self, firm):
        if firm.members:
            firm.leave(firm.members.pop(self.dice.randrange(len(firm.members))))

    def become(self, firm):
        if firm.members:
            firm.become(self.dice.choice(firm.members), self.dice.choice(["member", "viewer"]))

    def invite(self, firm):
        firm.invite()

    def sync(self, firm):
        firm.sync(is_forced=self.dice.random() < 0.3)

    def subscribe(self, firm):
        if live(firm) is None:
            page = firm.checkout()
            with contextlib.suppress(VendorUnavailable, VendorNotFound):
                firm.pay(page)

    def change(self, firm):
        changes.change_price(organization=firm.organization, price=self.dice.choice(self.prices))

    def cancel(self, firm):
        changes.cancel_subscription(organization=firm.organization)

    def resume(self, firm):
        changes.resume_subscription(organization=firm.organization)

    def end(self, firm):
        changes.end_subscription_now(organization=firm.organization)

    def edit(self, firm):
        self._in_dashboard(firm, quantity=self.dice.randint(1, 9))

    def trouble(self, firm):
        self._in_dashboard(firm, status=self.dice.choice(["past_due", "unpaid"]))

    def recover(self, firm):
        self._in_dashboard(firm, status="active")

    def fault(self, firm):
        row = live(firm)
        if row is not None:
            path = f"/subscriptions/{row.external_id}"
            rule = self.dice.choice(FAULTS)
            self.sandbox.post("/faults", vendor="stripe", path=path, **rule)

    def _in_dashboard(self, firm, **changes):
        row = live(firm)
        if row is not None:
            with contextlib.suppress(AssertionError):  # it has ended meanwhile
                self.sandbox.post(f"/stripe/subscriptions/{row.external_id}", **changes)


def live(firm):
    """The subscription of a firm as we know it."""
    rows = Subscription.objects.filter(organization=firm.organization).exclude(
        status__in=ENDED_STATUSES
    )
    return rows.first()
