"""Keep the payment outcomes that tests order, and the account's policy on failed payments."""

from enum import StrEnum

from sandbox.store import Document, Store

KIND = "stripe.order"
SETTINGS = "stripe.settings"


class ChargeResult(StrEnum):
    """List how an attempt to charge a card ends."""

    SUCCEEDED = "succeed"
    DECLINED = "decline"
    ACTION_REQUIRED = "authenticate"


def set_payment_outcome(store: Store, customer: str, *, outcome: str, times: int | None) -> None:
    """Set the outcome of the next payments, or of all until it is set again."""
    store.put_document(KIND, customer, {"outcome": outcome, "times": times})


def take_payment_outcome(store: Store, customer: str) -> str | None:
    """Return the ordered outcome of the current payment and count it as used.

    This bypasses the ledger on purpose: a declined charge was tried even if its request is undone.
    """
    order = store.find_document(KIND, customer)
    if order is None:
        return None
    if order["times"] == 1:
        store.delete_document(KIND, customer)
    elif order["times"] is not None:
        store.put_document(KIND, customer, order | {"times": order["times"] - 1})
    return str(order["outcome"])


def get_account_settings(store: Store) -> Document:
    """Return the account's policy for when the last attempt to collect has failed."""
    return store.find_document(SETTINGS, "account") or {"after_failed_payments": "cancel"}


def set_account_settings(store: Store, changes: Document) -> Document:
    """Change the account's settings."""
    store.put_document(SETTINGS, "account", get_account_settings(store) | changes)
    return get_account_settings(store)
