"""Create coupons with a promotion code, and redeem the code for a subscription's discount."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import periods
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.errors import StripeError, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger

DURATIONS = ("forever", "once", "repeating")
MAX_PERCENT = 100


def create_promotion_code(ledger: Ledger, fields: dict[str, Any]) -> Document:
    """Create a coupon and the code that buyers enter for it.

    https://docs.stripe.com/billing/subscriptions/coupons
    """
    check_coupon_fields(fields)
    coupon = build_coupon(ledger, fields)
    code = {
        "id": build_object_id("promotion_code"),
        "object": "promotion_code",
        "active": True,
        "code": fields["code"],
        "created": ledger.now,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": 0,
    }
    ledger.add_object(coupon)
    ledger.add_object(code)
    return code


def check_coupon_fields(fields: dict[str, Any]) -> None:
    """Refuse a coupon without one kind of amount, or of an unknown duration."""
    percent, amount = fields.get("percent_off"), fields.get("amount_off")
    if (percent is None) == (amount is None):
        raise build_parameter_error("Set `percent_off` or `amount_off`.", param="percent_off")
    if percent is not None and not 0 < percent <= MAX_PERCENT:
        raise build_parameter_error("`percent_off` is above 0 and up to 100.", param="percent_off")
    if amount is not None and (amount < 1 or not fields.get("currency")):
        raise build_parameter_error("`amount_off` needs a `currency`.", param="amount_off")
    if fields.get("duration", "once") not in DURATIONS:
        raise build_parameter_error(f"`duration`: {', '.join(DURATIONS)}.", param="duration")
    if (fields.get("duration") == "repeating") != ("duration_in_months" in fields):
        raise build_parameter_error(
            "`duration_in_months` goes with `repeating`.", param="duration_in_months"
        )


def build_coupon(ledger: Ledger, fields: dict[str, Any]) -> Document:
    """Return a coupon over a percentage or an amount."""
    return {
        "id": build_object_id("coupon"),
        "object": "coupon",
        "amount_off": fields.get("amount_off"),
        "created": ledger.now,
        "currency": fields.get("currency"),
        "duration": fields.get("duration", "once"),
        "duration_in_months": fields.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": fields.get("percent_off"),
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }


def find_promotion_code(ledger: Ledger, text: str, *, currency: str) -> Document:
    """Return the promotion code that a buyer entered, or refuse it."""
    for code in ledger.list_objects("promotion_code"):
        coupon = ledger.get_object("coupon", code["promotion"]["coupon"])
        if code["active"] and code["code"].lower() == text.lower():
            if coupon["currency"] in (None, currency):
                return code
            break
    raise StripeError("This code is invalid.", code="resource_missing", param="promotion_code")


def redeem_promotion_code(ledger: Ledger, code: Document, subscription: Document) -> Document:
    """Count a redemption and return the discount it gives to a subscription."""
    coupon = ledger.get_object("coupon", code["promotion"]["coupon"])
    for counted in (code, coupon):
        ledger.save_object(counted | {"times_redeemed": counted["times_redeemed"] + 1})
    discount = {
        "id": build_object_id("discount"),
        "object": "discount",
        "checkout_session": None,
        "customer": subscription["customer"],
        "customer_account": None,
        "end": find_discount_end(coupon, ledger.now),
        "invoice": None,
        "invoice_item": None,
        "promotion_code": code["id"],
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": ledger.now,
        "subscription": subscription["id"],
        "subscription_item": None,
    }
    ledger.add_object(discount, event="customer.discount.created")
    return discount


def find_discount_end(coupon: Document, start: int) -> int | None:
    """Return when a discount of some months ends."""
    if coupon["duration"] != "repeating":
        return None
    months = {"interval": "month", "interval_count": coupon["duration_in_months"]}
    return periods.get_period_start(start, months, 1)
