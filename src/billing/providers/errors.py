"""Failures of payment providers, in our own words."""

from datetime import datetime
from enum import StrEnum

from kit.outbound import VendorRejected


class KeySpent(Exception):
    """An idempotency key is used up, by an error of the provider or by a replayed answer.

    Nothing is known about how things are now: look, and use another key. A time-out is not this:
    the same key is then the safe one.
    """


class Refusal(StrEnum):
    """Why a provider refused, as far as services act on it."""

    TAX_ID_INVALID = "tax_id_invalid"
    NOTHING_UPCOMING = "nothing_upcoming"  # there is no next invoice
    PAYMENT_DECLINED = "payment_declined"
    NOT_NOW = "not_now"  # accepted later, when the state at the provider has changed
    OTHER = "other"


class ProviderRefused(VendorRejected):
    """A payment provider refused.

    `code` is the provider's own word, for logs and support. `retry_at` may come with `NOT_NOW`.
    """

    def __init__(
        self,
        provider: str,
        *,
        refusal: Refusal,
        code: str,
        message: str = "",
        status: int = 400,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(provider, code=code, message=message, status=status)
        self.refusal = refusal
        self.retry_at = retry_at
