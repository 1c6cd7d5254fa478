"""Calculate what one subscription must cost, from the rules of docs/guides/seats.md alone."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class MoneyModel:
    """Hold one subscription and the sum of what it was charged, in minor units.

    `debited` is what Stripe has charged for the period and not credited, `paid` what we know of it.
    They differ after an edit in the dashboard. Times are seconds.
    """

    credits_removals: bool
    amount: int
    quantity: int
    start: int
    end: int
    is_trial: bool = False
    is_ending: bool = False
    is_overdue: bool = False
    has_open_invoice: bool = False
    known: int = 0  # the quantity that we have read last
    debited: int = 0
    paid: int = 0
    total: Fraction = field(default_factory=Fraction)
    lines: int = 0

    def __post_init__(self):
        self.known = self.quantity
        if not self.is_trial:
            self._charge_period()

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

    def change_price(self, amount, count, at, *, credits_removals):
        """Move to another price of the same interval."""
        self.credits_removals = credits_removals
        if not self.is_trial:
            self._debit(0, at)
            self.amount = amount
            self._debit(count, at)
        self.amount, self.quantity, self.known, self.paid = amount, count, count, count

    def renew(self, start, end):
        """Begin the next period, which charges all seats."""
        self.start, self.end, self.is_trial = start, end, False
        self.known = self.quantity
        self._charge_period()

    def end_now(self, at):
        """End at once, and credit the rest of what was paid."""
        if not (self.is_trial or self.has_open_invoice):
            self._debit(0, at)

    def _charge_period(self):
        self.total += self.amount * self.quantity
        self.debited = self.paid = self.quantity
        self.lines += 1

    def _charge_change(self, count, at):
        if count > self.known:
            is_charged = count > self.paid
        else:
            is_silent = self.is_overdue or self.is_ending or self.has_open_invoice
            is_charged = self.credits_removals and not is_silent
        if is_charged:
            self._debit(count, at)
            self.paid = count

    def _debit(self, quantity, at):
        """Credit what was debited for the rest of the period, and debit the quantity."""
        rest = Fraction(self.end - at, self.end - self.start)
        self.total += self.amount * (quantity - self.debited) * rest
        self.debited = quantity
        self.lines += 2
