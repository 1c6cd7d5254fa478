"""Stripe's JSON as our own values; every oddity of API version 2026-10-28 is met here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.providers.types import (
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    Item,
    PriceSnapshot,
    Profile,
    SubscriptionSnapshot,
    TaxId,
)

Json = Mapping[str, Any]
ORGANIZATION = "organization_id"


def customer(raw: Json) -> CustomerSnapshot:
    """A customer, with its tax ids when they were expanded; a deleted one has only an id."""
    if raw.get("deleted"):
        return CustomerSnapshot(external_id=raw["id"], is_deleted=True)
    tax_ids = (raw.get("tax_ids") or {}).get("data", [])
    return CustomerSnapshot(
        external_id=raw["id"],
        is_deleted=False,
        organization_hint=hint(raw),
        profile=profile(raw),
        tax_ids=tuple(tax_id(entry) for entry in tax_ids),
    )


def profile(raw: Json) -> Profile:
    """Name, e-mail and address; Stripe says null where we say nothing."""
    address = raw.get("address") or {}
    return Profile(
        name=raw.get("name") or "",
        email=raw.get("email") or "",
        address_line1=address.get("line1") or "",
        address_line2=address.get("line2") or "",
        city=address.get("city") or "",
        state=address.get("state") or "",
        postal_code=address.get("postal_code") or "",
        country=address.get("country") or "",
    )


def tax_id(raw: Json) -> TaxId:
    """A tax id and the state of its verification."""
    verification = raw.get("verification") or {}
    return TaxId(
        external_id=raw["id"],
        value=raw["value"],
        status=verification.get("status") or "unavailable",
    )


def subscription(raw: Json) -> SubscriptionSnapshot:
    """A subscription; its period lies on the items, never on itself."""
    entries = raw["items"]["data"]
    first = entries[0] if entries else {}
    return SubscriptionSnapshot(
        external_id=raw["id"],
        customer_id=reference(raw["customer"]),
        organization_hint=hint(raw),
        status=raw["status"],
        items=tuple(item(entry) for entry in entries),
        period_start=moment(first.get("current_period_start")),
        period_end=moment(first.get("current_period_end")),
        cancel_at_period_end=bool(raw.get("cancel_at_period_end")),
        cancel_at=moment(raw.get("cancel_at")),
        trial_end=moment(raw.get("trial_end")),
        started_at=certain(raw["created"]),
        ended_at=moment(raw.get("ended_at")),
    )


def item(raw: Json) -> Item:
    """One position; metered ones have no quantity."""
    return Item(
        external_id=raw["id"],
        price_id=reference(raw["price"]),
        quantity=raw.get("quantity"),
    )


def checkout(raw: Json) -> CheckoutSnapshot:
    """A checkout session; the url is gone once it is over."""
    return CheckoutSnapshot(
        external_id=raw["id"],
        url=raw.get("url") or "",
        expires_at=certain(raw["expires_at"]),
        subscription_id=reference(raw.get("subscription")),
        price_ids=tuple(
            reference(entry.get("price")) for entry in (raw.get("line_items") or {}).get("data", ())
        ),
    )


def invoice(raw: Json) -> InvoiceSnapshot:
    """An invoice; what it is for lies under `parent`."""
    return InvoiceSnapshot(
        external_id=raw["id"],
        customer_id=reference(raw.get("customer")),
        subscription_id=subscription_of_invoice(raw),
        number=raw.get("number") or "",
        status=raw.get("status") or "draft",
        total=raw["total"],
        amount_due=raw["amount_due"],
        currency=raw["currency"],
        attempts=raw.get("attempt_count") or 0,
        issued_at=certain(raw["created"]),
        hosted_url=raw.get("hosted_invoice_url") or "",
        pdf_url=raw.get("invoice_pdf") or "",
    )


def subscription_of_invoice(raw: Json) -> str:
    """The id of the subscription an invoice is for; blank for any other invoice."""
    details = (raw.get("parent") or {}).get("subscription_details") or {}
    return reference(details.get("subscription"))


def price(raw: Json) -> PriceSnapshot:
    """A recurring price."""
    amount = raw.get("unit_amount")
    return PriceSnapshot(
        external_id=raw["id"],
        product_id=reference(raw["product"]),
        lookup_key=raw.get("lookup_key") or "",
        amount=int(Decimal(amount)) if amount is not None else 0,
        currency=raw["currency"],
        interval=(raw.get("recurring") or {}).get("interval", ""),
    )


def hint(raw: Json) -> str:
    """Which organization the object says it belongs to: a hint, metadata can be edited."""
    return str((raw.get("metadata") or {}).get(ORGANIZATION, ""))


def reference(value: Any) -> str:  # noqa: ANN401 - an id, an expanded object, or null
    """The id of what may or may not be expanded."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value["id"])


def certain(seconds: int) -> datetime:
    """A moment that is always there."""
    return datetime.fromtimestamp(seconds, UTC)


def moment(seconds: int | None) -> datetime | None:
    """A moment, or none."""
    return certain(seconds) if seconds else None
