"""Calculate what one subscription must cost, from the rules of docs/guides/seats.md alone."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class MoneyModel:
    """Hold one subscription and the sum of what it was charged, in minor units.

    `debited` is the amount per period that Stripe has charged and not credited, `paid` the number of
    seats that we know of it. They differ after an edit in the dashboard. Times are seconds.
    """

    credits_removals: bool
    invoices_additions_now: bool
    amount: int
    quantity: int
    start: int
    end: int
    is_trial: bool = False
    is_ending: bool = False
    is_overdue: bool = False
    has_open_invoice: bool = False
    is_collection_paused: bool = False
    is_waived: bool = False  # the invoice of the period was voided, so that it was never paid
    known: int = 0  # the quantity that we have read last
    debited: int = 0
    paid: int = 0
    invoiced: Fraction = field(default_factory=Fraction)
    pending: Fraction = field(default_factory=Fraction)  # waits for the next invoice
    lines: int = 0

    def __post_init__(self):
        self.known = self.quantity
        if not self.is_trial:
            self._charge_period()

    @property
    def total(self):
        """Return all charges, once nothing waits for an invoice any more."""
        return self.invoiced + self.pending

    def sync(self, count, at):
        """Send the count, by the rules for the status."""
        if count == self.known or (count > self.known and self.is_overdue):
            return
        if not self.is_trial:
            self._charge_change(count, at)
        self.quantity = self.known = count

    def edit(self, quantity, at):
        """Change the quantity in the dashboard, which prorates."""
        if quantity != self.quantity and not self.is_trial:
            self._debit(quantity, at)
        self.quantity = quantity

    def read(self):
        """Read the quantity; an edit to more seats is not taken for a charge."""
        if self.quantity != self.known:
            self.paid = min(self.paid, self.quantity)
        self.known = self.quantity

    def change_price(self, price, count, at, *, new_period=None):
        """Move to another price, whose other interval begins a new period at once outside trials."""
        policy = price.seat_policy
        self.credits_removals = policy.credits_removals
        self.invoices_additions_now = policy.invoices_additions_now
        is_silent = self.is_trial or self.is_waived
        if new_period is not None and not is_silent:
            self._debit(0, at)
        self.amount, self.quantity, self.known, self.paid = price.amount, count, count, count
        if new_period is not None:
            self._begin_period(*new_period)
        elif not is_silent:
            self._debit(count, at)
            if self.invoices_additions_now:
                self._invoice_pending()

    def renew(self, start, end):
        """Begin the next period, which charges all seats, and nothing while collection is paused."""
        self.is_trial = False
        self.known = self.quantity
        self._begin_period(start, end)

    def resume(self, count, start, end):
        """Begin a period after a pause of the subscription, with the seats counted before."""
        self.quantity = self.known = count
        self._begin_period(start, end)

    def end_now(self, at):
        """End at once, and credit the rest of what was paid."""
        if not (self.is_trial or self._is_unpaid):
            self._debit(0, at)

    @property
    def _is_unpaid(self):
        return self.is_overdue or self.has_open_invoice or self.is_waived

    def _begin_period(self, start, end):
        self.start, self.end, self.is_waived = start, end, self.is_collection_paused
        self._charge_period()

    def _charge_period(self):
        self.pending += self.amount * self.quantity
        self.debited, self.paid = self.amount * self.quantity, self.quantity
        self.lines += 1
        if self.is_waived:
            self.pending = Fraction(0)
        self._invoice_pending()

    def _invoice_pending(self):
        self.invoiced, self.pending = self.invoiced + self.pending, Fraction(0)

    def _charge_change(self, count, at):
        if count > self.known:
            is_charged = count > self.paid
        else:
            is_charged = self.credits_removals and not (self._is_unpaid or self.is_ending)
        if is_charged:
            is_invoiced = count > self.known and self.invoices_additions_now
            self._debit(count, at)
            self.paid = count
            if is_invoiced:
                self._invoice_pending()

    def _debit(self, quantity, at):
        """Credit what was debited for the rest of the period, and debit the quantity."""
        rest = Fraction(self.end - at, self.end - self.start)
        self.pending += (self.amount * quantity - self.debited) * rest
        self.debited = self.amount * quantity
        self.lines += 2
