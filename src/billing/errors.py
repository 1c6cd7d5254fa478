"""Refusals of billing.

PaymentRequired
├── SeatLimitReached       402: the plan's maximum is taken
└── FeatureNotAvailable    402: the plan does not contain it, or its limit is used up
Conflict
├── SubscriptionExists     409: one is live already
├── SubscriptionMissing    409: there is none to do that with
├── SubscriptionNotChangeable  409: not in this status
├── SeatsChanged           409: the screen was stale
└── PaymentRefused         409: the payment provider said no
Malformed
├── PriceNotAvailable      400
├── RedirectNotAllowed     400
└── VatIdInvalid           400
"""

from kit.errors import Conflict, FieldError, Malformed, PaymentRequired


class SeatLimitReached(PaymentRequired):
    """The plan has no seat left.

    Remove someone, revoke an invitation, or offer a plan with more seats.
    """


class FeatureNotAvailable(PaymentRequired):
    """The plan does not include this feature.

    Offer an upgrade; `feature` says which feature, why, and how much of it is used.
    """


class SubscriptionExists(Conflict):
    """The organization has a subscription already.

    Change that one instead of buying another.
    """


class SubscriptionMissing(Conflict):
    """The organization has no subscription.

    Buy one first: `POST …/billing/checkout`.
    """


class SubscriptionNotChangeable(Conflict):
    """The subscription cannot be changed like that now.

    Read it again: its status does not allow this.
    """


class SeatsChanged(Conflict):
    """The number of seats is no longer what the screen showed.

    Show the new number and ask again.
    """


class PaymentRefused(Conflict):
    """The payment provider refused this.

    Show it; `reason` is the provider's code for it.
    """


class PriceNotAvailable(Malformed):
    """This price cannot be chosen.

    Choose a price of `GET /v1/plans`.
    """

    def __init__(self) -> None:
        detail = "Choose one of the prices of GET /v1/plans."
        super().__init__(detail, [FieldError("/price_id", self.code, detail)])


class VatIdInvalid(Malformed):
    """This is not a VAT number of that country.

    Check the number and its country prefix.
    """

    def __init__(self, detail: str = "Check the number and its country prefix.") -> None:
        super().__init__(detail, [FieldError("/vat_id", self.code, detail)])
