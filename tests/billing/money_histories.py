"""Run a random history of one organization next to a model of what it must cost."""

import contextlib
import random
from datetime import datetime

from billing.seat_sync import reconcile
from billing.subscriptions import changes, subscriptions
from kit.outbound import VendorUnavailable
from tests.billing.event_deliveries import EventDeliveries
from tests.billing.money_model import MoneyModel
from tests.billing.organizations import BillingOrganization
from tests.billing.support import build_stripe_client

COLLECTION_DELAY_SECONDS = 2 * 3_600  # a renewal's invoice is a draft for an hour
STEPS = 14
FAULT_SHARE = 1 / 3
FAULTS = (
    {"status": 503},
    {"status": 429},
    {"drop": True},
    {"drop": True, "after_effect": True, "method": "POST"},
    {"timeout": 0.2, "drop": True, "after_effect": True, "method": "POST"},
)


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
        self.deliveries = EventDeliveries(self.random, self.organization.customer_id)
        row = self.organization.subscription
        self.operations = []
        self.model = MoneyModel(
            credits_removals=price.seat_policy.credits_removals,
            invoices_additions_now=price.seat_policy.invoices_additions_now,
            amount=price.amount,
            quantity=row.quantity,
            start=_get_seconds(row.current_period_start),
            end=_get_seconds(row.current_period_end),
            is_trial=row.status == "trialing",
        )

    def run(self):
        """Run the steps and end them with a renewal, which invoices all that is pending."""
        weights = {
            self.add_members: 6, self.remove_members: 5, self.sync: 3, self.edit_quantity: 2,
            self.change_price: 3, self.schedule_end: 1, self.take_end_back: 2, self.pull: 1,
            self.deliver_events: 2, self.renew: 2, self.pay_open_invoice: 2,
            self.pause_collection: 1, self.collect_again: 1, self.pause_and_resume: 1,
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
        """Send the count, one time in three over a fault of the network.

        The second run sends what is charged beyond the paid seats.
        """
        at = self._get_now()
        if self.random.random() < FAULT_SHARE:
            with self._fault():
                self.organization.sync_seats(is_forced=True)
            self.organization.retry_seat_sync()
        for _ in range(2):
            self.organization.sync_seats(is_forced=True)
        self.model.sync(len(self.organization.members), at)

    def edit_quantity(self):
        """Edit the quantity in the dashboard; its event may be lost until the next one."""
        at, quantity = self._get_now(), self.random.randint(1, 8)
        path = f"/stripe/subscriptions/{self.organization.subscription.external_id}"
        self.sandbox.post(path, quantity=quantity)
        self.model.edit(quantity, at)
        self.deliver_events()

    def deliver_events(self):
        """Handle the new events in another order, some twice and some never, and send the count."""
        if self.deliveries.handle_new():
            self.model.read()
        self.sync()

    def pull(self):
        """Fetch the subscription and send the count."""
        row = self.organization.subscription
        subscriptions.pull_subscription(row.provider, row.external_id)
        self.model.read()
        self.sync()

    def change_price(self):
        """Move to a price of the same or another interval, one time in three over a fault."""
        model, before = self.model, self.organization.price
        price = self.random.choice([one for one in self.prices if one != before])
        is_owed = model.is_overdue or model.has_open_invoice
        if is_owed or model.is_ending or model.is_collection_paused:
            return
        self.pull()
        at = self._get_now()
        if at <= model.start + 1:
            return  # two periods that begin in one second could not be told apart
        if not self._change_price_over_fault(price):
            changes.change_price(organization=self.organization.row, price=price)
        self.organization.price = price
        row = self.organization.subscription
        begins_period = price.interval != before.interval and not model.is_trial
        period = (_get_seconds(row.current_period_start), _get_seconds(row.current_period_end))
        model.change_price(
            price,
            len(self.organization.members),
            at,
            new_period=period if begins_period else None,
        )

    def _change_price_over_fault(self, price):
        """Return whether a change whose answer was lost was made, as the fetch after it shows."""
        if self.random.random() >= FAULT_SHARE:
            return False
        with self._fault(method="POST"), contextlib.suppress(VendorUnavailable):
            changes.change_price(organization=self.organization.row, price=price)
        row = self.organization.subscription
        row = subscriptions.pull_subscription(row.provider, row.external_id)
        return row.price == price

    def schedule_end(self):
        self.pull()
        changes.cancel_subscription(organization=self.organization.row)
        self.model.is_ending = True

    def take_end_back(self):
        if self.model.is_ending:
            self.pull()
            changes.resume_subscription(organization=self.organization.row)
            self.model.is_ending = False

    def pause_collection(self):
        """Let Stripe void the invoices of renewals.

        With additions that are invoiced at once, Stripe would void those invoices too.
        """
        if not (self.model.invoices_additions_now or self.model.has_open_invoice):
            self._set_collection({"behavior": "void"})

    def collect_again(self):
        self._set_collection("")

    def pause_and_resume(self):
        """Pause the subscription at Stripe, change its members, and resume it with their count."""
        model = self.model
        is_owed = model.is_overdue or model.has_open_invoice or model.is_collection_paused
        if is_owed or model.is_trial or model.is_ending:
            return
        self.pull()
        if self._get_now() <= model.start + 1:
            return  # two periods that begin in one second could not be told apart
        self.organization.edit_at_stripe(status="paused")
        members = self.organization.members
        members.append(self.organization.add_member())
        row = changes.resume_subscription(organization=self.organization.row)
        start, end = row.current_period_start, row.current_period_end
        model.resume(len(members), _get_seconds(start), _get_seconds(end))

    def renew(self):
        """Move the clock over a renewal or a trial's end, to its draft, payment or decline."""
        self.take_end_back()
        self._move_over_renewal(
            outcome=self.random.choice(["succeed", "decline"]),
            extra=self.random.choice([600, COLLECTION_DELAY_SECONDS]),
        )

    def pay_open_invoice(self):
        """Let a draft be collected, and pay what a decline has left open."""
        if self.model.has_open_invoice and not self.model.is_overdue:
            self.sandbox.post("/clock/advance", seconds=COLLECTION_DELAY_SECONDS)
            self._read_payment_state()
        if self.model.is_overdue:
            self.organization.edit_at_stripe(status="active")
        self._read_payment_state()
        self.pull()

    def _move_over_renewal(self, *, outcome, extra):
        self.pay_open_invoice()
        self._set_payment_outcome(outcome)
        self.sandbox.post("/clock/advance", seconds=self.model.end - self._get_now() + extra)
        row = self.organization.subscription
        row = subscriptions.pull_subscription(row.provider, row.external_id)
        start, end = row.current_period_start, row.current_period_end
        self.model.renew(_get_seconds(start), _get_seconds(end))
        self._read_payment_state()
        if extra == COLLECTION_DELAY_SECONDS:
            self._set_payment_outcome("succeed")
        self.deliver_events()

    def _read_payment_state(self):
        """Read whether the payment was made: a decline of a credit is none."""
        row = self.organization.subscription
        row = subscriptions.pull_subscription(row.provider, row.external_id)
        self.model.is_overdue = row.status == "past_due"
        invoices = self.organization.list_invoices()
        self.model.has_open_invoice = any(one.status in ("draft", "open") for one in invoices)
        if not self.model.has_open_invoice:  # a credit leaves the decline to the next invoice
            self._set_payment_outcome("succeed")

    def _finish(self):
        """Reconcile after the lost events, invoice what is pending by a renewal, and end at once."""
        self.take_end_back()
        self.collect_again()
        self._set_payment_outcome("succeed")
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

    def _set_payment_outcome(self, outcome):
        customer = f"/stripe/customers/{self.organization.customer_id}/payment"
        self.sandbox.post(customer, outcome=outcome)

    def _set_collection(self, pause):
        external_id = self.organization.subscription.external_id
        build_stripe_client().v1.subscriptions.update(external_id, {"pause_collection": pause})
        self.model.is_collection_paused = bool(pause)

    @contextlib.contextmanager
    def _fault(self, **more):
        """Let the next request about the subscription fail, before or after its effect."""
        self.organization.add_fault(**(self.random.choice(FAULTS) | more))
        try:
            yield
        finally:
            self.sandbox.delete("/faults")

    def _get_now(self):
        return _get_seconds(datetime.fromisoformat(self.sandbox.get("/clock")["now"]))


def check_money(history):
    """Check that the count is billed, each period is paid once, and the sums are the model's."""
    organization, model = history.organization, history.model
    why = f"seed {history.seed}: {history.operations}"
    assert history.state == ("in_sync", len(organization.members)), why
    listed = build_stripe_client().v1.invoices.list(
        {"customer": organization.customer_id, "limit": 100}
    )
    invoices = [one for one in listed.data if one.status != "void"]  # of paused collection
    lines = [line for invoice in invoices for line in invoice.lines.data]
    starts = [
        line.period.start
        for line in lines
        if not line.parent.subscription_item_details.proration and line.amount
    ]
    assert len(starts) == len(set(starts)), why
    assert all(one.status == "paid" for one in invoices), why
    charged = sum(invoice.total for invoice in invoices)
    # Each line is rounded, and an operation may take a second or two.
    assert abs(charged - model.total) <= model.lines, (charged, float(model.total), why)


def _get_seconds(moment):
    return int(moment.timestamp())
