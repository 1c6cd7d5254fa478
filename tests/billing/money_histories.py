"""Run a random history of one organization next to a model of what it must cost."""

import random
from datetime import datetime

from billing.seat_sync import reconcile
from billing.subscriptions import changes, subscriptions
from tests.billing.money_model import MoneyModel
from tests.billing.organizations import BillingOrganization
from tests.billing.support import build_stripe_client

COLLECTION_DELAY_SECONDS = 2 * 3_600  # a renewal's invoice is a draft for an hour
STEPS = 14


class MoneyHistory:
    """Run operations chosen by a seed; the clock of the sandbox belongs to the history alone."""

    def __init__(self, sandbox, seed, prices):
        self.sandbox, self.seed = sandbox, seed
        self.random = random.Random(seed)
        self.prices = prices
        price = self.random.choice(prices)
        self.organization = BillingOrganization(
            sandbox, seats=self.random.randint(1, 5), price=price
        )
        self.organization.subscribe()
        row = self.organization.subscription
        self.is_lost = False  # an edit whose event has not come
        self.has_ended = False
        self.operations = []
        self.model = MoneyModel(
            credits_removals=price.plan.seat_policy.credits_removals,
            amount=price.amount,
            quantity=row.quantity,
            start=_get_seconds(row.current_period_start),
            end=_get_seconds(row.current_period_end),
            is_trial=row.status == "trialing",
        )

    def run(self):
        """Run the steps and end them with a renewal, which invoices all that is pending."""
        weights = {
            self.add_members: 6, self.remove_members: 5, self.sync: 4, self.edit_quantity: 2,
            self.change_price: 1, self.schedule_end: 1, self.take_end_back: 2, self.deliver_event: 2,
            self.renew: 2, self.pay_open_invoice: 2,
        }  # fmt: skip
        for _ in range(STEPS):
            operation = self.random.choices(list(weights), list(weights.values()))[0]
            self.operations.append(operation.__name__)
            operation()
        self._finish()
        return self

    def add_members(self):
        for _ in range(self.random.randint(1, 3)):
            self.organization.members.append(self.organization.add_member())
        self.sync()

    def remove_members(self):
        members = self.organization.members
        for _ in range(min(self.random.randint(1, 3), len(members) - 1)):
            self.organization.remove_member(members.pop(self.random.randrange(len(members))))
        self.sync()

    def sync(self):
        """Send the count; the second run sends what is charged beyond the paid seats."""
        at = self._get_now()
        for _ in range(2):
            self.organization.sync_seats(is_forced=True)
        self.model.sync(len(self.organization.members), at)

    def edit_quantity(self):
        """Edit the quantity in the dashboard; its event may be lost until the next one."""
        at, quantity = self._get_now(), self.random.randint(1, 8)
        path = f"/stripe/subscriptions/{self.organization.subscription.external_id}"
        self.sandbox.post(path, quantity=quantity)
        self.model.edit(quantity, at)
        if self.random.random() < 0.6:
            self.deliver_event()

    def deliver_event(self):
        """Fetch the subscription as its event does, once or twice, and follow what it says."""
        for _ in range(self.random.randint(1, 2)):
            row = self.organization.subscription
            subscriptions.pull_subscription(row.provider, row.external_id)
        self.model.read()
        self.sync()

    def change_price(self):
        others = [one for one in self.prices if one != self.organization.price]
        price = self.random.choice(others)
        if self.model.is_overdue or self.model.has_open_invoice or self.model.is_ending:
            return
        self.deliver_event()
        at = self._get_now()
        changes.change_price(organization=self.organization.row, price=price)
        self.organization.price = price
        self.model.change_price(
            price.amount,
            len(self.organization.members),
            at,
            credits_removals=price.plan.seat_policy.credits_removals,
        )

    def schedule_end(self):
        self.deliver_event()
        changes.cancel_subscription(organization=self.organization.row)
        self.model.is_ending = True

    def take_end_back(self):
        if self.model.is_ending:
            self.deliver_event()
            changes.resume_subscription(organization=self.organization.row)
            self.model.is_ending = False

    def renew(self):
        """Move the clock over a renewal or a trial's end, to its draft, payment or decline."""
        self.take_end_back()
        self._move_over_renewal(
            outcome=self.random.choice(["succeed", "decline"]),
            extra=self.random.choice([600, COLLECTION_DELAY_SECONDS]),
        )

    def pay_open_invoice(self):
        """Pay what a decline has left open, or let the draft be collected."""
        if self.model.is_overdue:
            self.organization.edit_at_stripe(status="active")
        elif self.model.has_open_invoice:
            self.sandbox.post("/clock/advance", seconds=COLLECTION_DELAY_SECONDS)
        self._read_payment_state()
        self.deliver_event()

    def _move_over_renewal(self, *, outcome, extra):
        customer = f"/stripe/customers/{self.organization.customer_id}/payment"
        self.pay_open_invoice()
        self.sandbox.post(customer, outcome=outcome)
        self.sandbox.post("/clock/advance", seconds=self.model.end - self._get_now() + extra)
        row = self.organization.subscription
        row = subscriptions.pull_subscription(row.provider, row.external_id)
        start, end = row.current_period_start, row.current_period_end
        self.model.renew(_get_seconds(start), _get_seconds(end))
        self._read_payment_state()
        if extra == COLLECTION_DELAY_SECONDS:
            self.sandbox.post(customer, outcome="succeed")
        self.deliver_event()

    def _read_payment_state(self):
        """Read whether the payment was made: a decline of a credit is none."""
        row = self.organization.subscription
        row = subscriptions.pull_subscription(row.provider, row.external_id)
        self.model.is_overdue = row.status == "past_due"
        invoices = self.organization.list_invoices()
        self.model.has_open_invoice = any(one.status in ("draft", "open") for one in invoices)

    def _finish(self):
        """Reconcile after the lost events, invoice what is pending by a renewal, and end at once."""
        self.take_end_back()
        customer = f"/stripe/customers/{self.organization.customer_id}/payment"
        self.sandbox.post(customer, outcome="succeed")
        self.pay_open_invoice()
        at = self._get_now()
        self.model.read()
        for _ in range(2):
            reconcile.reconcile_organization(organization_id=self.organization.row.pk)
            self.organization.sync_seats(is_forced=True)
        self.model.sync(len(self.organization.members), at)
        self.state = (self.organization.report.state, self.organization.billed_quantity)
        self._move_over_renewal(outcome="succeed", extra=COLLECTION_DELAY_SECONDS)
        at = self._get_now()
        changes.end_subscription_now(organization=self.organization.row)
        self.model.end_now(at)

    def _get_now(self):
        return _get_seconds(datetime.fromisoformat(self.sandbox.get("/clock")["now"]))


def check_money(history):
    """Check that the count is billed, each period is paid once, and the sums are the model's."""
    organization, model = history.organization, history.model
    why = f"seed {history.seed}: {history.operations}"
    assert history.state == ("in_sync", len(organization.members)), why
    invoices = build_stripe_client().v1.invoices.list(
        {"customer": organization.customer_id, "limit": 100}
    )
    lines = [line for invoice in invoices.data for line in invoice.lines.data]
    starts = [
        line.period.start
        for line in lines
        if not line.parent.subscription_item_details.proration and line.amount
    ]
    assert len(starts) == len(set(starts)), why
    assert all(one.status == "paid" for one in invoices.data), why
    charged = sum(invoice.total for invoice in invoices.data)
    # Each line is rounded, and an operation may take a second or two.
    assert abs(charged - model.total) <= model.lines, (charged, float(model.total), why)


def _get_seconds(moment):
    return int(moment.timestamp())
