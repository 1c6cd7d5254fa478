"""Hold the rules that every Stripe object shares, such as ids, lists, metadata and blanks."""

import secrets
import string
from typing import Any, cast

from sandbox.store import Document
from sandbox.stripe.protocol.errors import build_parameter_error

LETTERS = string.ascii_letters + string.digits
MAX_METADATA_KEYS = 50
MAX_METADATA_KEY_LENGTH = 40
MAX_METADATA_VALUE_LENGTH = 500

PREFIXES = {
    "customer": "cus_",
    "product": "prod_",
    "price": "price_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "invoice": "in_",
    "line_item": "il_",
    "invoiceitem": "ii_",
    "invoice_payment": "inpay_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "tax_id": "txi_",
    "tax_rate": "txr_",
    "credit_note": "cn_",
    "refund": "re_",
    "checkout.session": "cs_test_",
    "item": "li_",
    "billing_portal.session": "bps_",
    "billing_portal.configuration": "bpc_",
    "coupon": "co_",
    "discount": "di_",
    "promotion_code": "promo_",
    "event": "evt_",
    "request": "req_",
    "webhook_endpoint": "we_",
}


def build_object_id(kind: str) -> str:
    """Return a new id with the prefix of its kind."""
    return PREFIXES[kind] + "".join(secrets.choice(LETTERS) for _ in range(24))


def copy_document[T](value: T) -> T:
    """Return a deep copy of JSON, several times faster than `copy.deepcopy`."""
    return cast("T", copy_json(value))


def copy_json(value: object) -> object:
    """Return a copy of one JSON value."""
    if isinstance(value, dict):
        return {name: copy_json(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [copy_json(entry) for entry in value]
    return value


def build_list_object(entries: list[Document], url: str) -> Document:
    """Return a complete list object, as other objects contain it."""
    return {"object": "list", "data": entries, "has_more": False, "url": url}


def find_previous_values(before: Document, after: Document) -> Document:
    """Return the old values of changed fields, where nested objects differ by field and arrays as a whole."""
    changed: Document = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and old and new:
            changed[name] = find_previous_values(old, new)
        else:
            changed[name] = old
    return dict(sorted(changed.items()))


def merge_stripe_metadata(
    current: dict[str, str], given: dict[str, str] | str | None
) -> dict[str, str]:
    """Return metadata after an update.

    Keys merge, a blank value removes its key, and a blank instead of an object removes all keys.
    """
    if given is None:
        return current
    if isinstance(given, str):
        return {}
    for key, value in given.items():
        if not isinstance(value, str):
            raise build_parameter_error("Metadata values are text.", param=f"metadata[{key}]")
        if len(key) > MAX_METADATA_KEY_LENGTH or len(value) > MAX_METADATA_VALUE_LENGTH:
            raise build_parameter_error(
                f"Metadata keys have up to {MAX_METADATA_KEY_LENGTH} and values up to {MAX_METADATA_VALUE_LENGTH} characters.",
                param=f"metadata[{key}]",
            )
    result = {key: value for key, value in (current | given).items() if value != ""}
    if len(result) > MAX_METADATA_KEYS:
        raise build_parameter_error("You can only have up to 50 metadata keys.", param="metadata")
    return result


def blank_to_none(value: Any) -> Any:  # noqa: ANN401  any JSON
    """Return None for a blank, which is how a form clears a field."""
    return None if value == "" else value


def overlay_settings(known: Document, given: Document) -> Document:
    """Return settings with the given ones applied at any depth, where a blank empties a list."""
    result = dict(known)
    for name, value in given.items():
        if isinstance(value, dict):
            result[name] = overlay_settings(known[name] or {}, value)
        else:
            result[name] = [] if value == "" else value
    return result
