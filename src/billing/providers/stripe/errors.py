"""Translate the SDK's errors into our three, and KeySpent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import stripe

from billing.providers.errors import KeySpent, ProviderRefused, Refusal
from kit import outbound

VENDOR: Final = "stripe"
MISSING_OBJECT_CODE: Final = "resource_missing"
# https://docs.stripe.com/error-codes
REFUSAL_BY_CODE: Final = {
    "tax_id_invalid": Refusal.TAX_ID_INVALID,
    "invoice_upcoming_none": Refusal.NOTHING_UPCOMING,
    "card_declined": Refusal.PAYMENT_DECLINED,
    "subscription_payment_intent_requires_action": Refusal.PAYMENT_DECLINED,
}
# Seats are right ten minutes after Stripe is back, regardless of the delays it asked for.
MAX_RETRY_AFTER_SECONDS: Final = 570


@contextmanager
def translate_errors(*, is_keyed: bool = False) -> Iterator[None]:
    """Make one call under the limits of `kit.outbound`, and translate the SDK's errors.

    Raises one of the kit's three, and KeySpent when the call `is_keyed`.
    """
    with outbound.guard_call(VENDOR):
        try:
            yield
        except stripe.StripeError as error:
            if is_keyed and _spends_its_key(error):
                raise KeySpent from error
            raise _translate_error(error) from error


def _spends_its_key(error: stripe.StripeError) -> bool:
    """Return whether Stripe stored this error as the answer of its key."""
    if isinstance(error, stripe.IdempotencyError):
        return True
    return isinstance(error, stripe.APIError) and (error.http_status or 0) >= 500


def _translate_error(error: stripe.StripeError) -> Exception:
    """Return the error as unavailable, rejected or not found."""
    code: str = (error.error.code if error.error else None) or error.code or "stripe_error"
    status = error.http_status or 0
    match error:
        case stripe.RateLimitError():
            return outbound.VendorUnavailable(VENDOR, retry_after=_retry_after(error))
        case stripe.APIConnectionError() | stripe.APIError():
            # A 409 says the same key is being worked on: as unknown as a silence.
            return outbound.VendorUnavailable(VENDOR, outcome_known=False)
        case stripe.AuthenticationError() | stripe.PermissionError():
            # Our key is wrong: nothing the caller can mend, and worth trying again once it is.
            return outbound.VendorUnavailable(VENDOR, retry_after=60)
        case _ if code not in REFUSAL_BY_CODE and (status == 404 or code == MISSING_OBJECT_CODE):
            return outbound.VendorNotFound(VENDOR, code=code)
        case _:
            return ProviderRefused(
                VENDOR,
                refusal=REFUSAL_BY_CODE.get(code, Refusal.OTHER),
                code=code,
                message=str(error.user_message or ""),
                status=status,
            )


def _retry_after(error: stripe.StripeError) -> int:
    headers: Mapping[str, Any] = error.headers or {}
    text = str(headers.get("Retry-After", headers.get("retry-after", "")))
    return min(int(text[:9]), MAX_RETRY_AFTER_SECONDS) if text.isdecimal() else 5
