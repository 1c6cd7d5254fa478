"""What Stripe takes in each status of a subscription."""

from billing.providers.types import Capabilities, PreviewKind
from billing.seat_rules import Charge, SeatTerms
from billing.statuses import Status

CAPABILITIES = Capabilities(
    previews=PreviewKind.EXACT,
    fixes_preview_moment=True,
    ends_at_once=True,
    verifies_vat_numbers=True,
    stores_address=True,
    calls_per_minute=1_500,  # 25 read requests a second in test mode: docs.stripe.com/rate-limits
)

# Prorations: https://docs.stripe.com/billing/subscriptions/prorations
SEAT_TERMS = SeatTerms(
    {
        (Status.TRIALING, False): (Charge.SILENT, Charge.SILENT),
        (Status.TRIALING, True): (Charge.SILENT, Charge.SILENT),
        (Status.ACTIVE, False): (Charge.BY_POLICY, Charge.BY_POLICY),
        # No renewal follows that a credit could be used for.
        (Status.ACTIVE, True): (Charge.BY_POLICY, Charge.SILENT),
        (Status.PAST_DUE, False): (Charge.HELD, Charge.SILENT),
        (Status.PAST_DUE, True): (Charge.HELD, Charge.SILENT),
    }
)
