"""Convert Stripe's JSON of API version 2026-10-28 to our own types."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from billing.providers.stripe import tax_ids
from billing.providers.types import (
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    Item,
    PeriodPayment,
    PriceSnapshot,
    Profile,
    SubscriptionSnapshot,
    TaxId,
)

Json = Mapping[str, Any]
ORGANIZATION_METADATA_KEY = "organization_id"
CHECKOUT_METADATA_KEY = "checkout_id"


def parse_customer(raw: Json) -> CustomerSnapshot:
    """Return a customer, with its tax ids when they were expanded."""
    if raw.get("deleted"):
        return CustomerSnapshot(external_id=raw["id"], is_deleted=True)
    vat_numbers = list_vat_numbers(raw)
    return CustomerSnapshot(
        external_id=raw["id"],
        is_deleted=False,
        organization_hint=read_organization_hint(raw),
        profile=parse_profile(raw),
        vat_number=vat_numbers[-1] if vat_numbers else None,
    )


def parse_profile(raw: Json) -> Profile:
    """Return name, e-mail and address, blank where Stripe has null."""
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


def list_vat_numbers(raw: Json) -> list[TaxId]:
    """Return the VAT numbers of a customer whose tax ids were expanded, without other kinds."""
    entries = (raw.get("tax_ids") or {}).get("data", [])
    return [parse_tax_id(entry) for entry in entries if tax_ids.is_vat_number(entry)]


def parse_tax_id(raw: Json) -> TaxId:
    """Return a tax id and the state of its verification."""
    verification = raw.get("verification") or {}
    return TaxId(
        external_id=raw["id"],
        value=raw["value"],
        status=verification.get("status") or "unavailable",
    )


def parse_subscription(raw: Json) -> SubscriptionSnapshot:
    """Return a subscription.

    Its period is read from its items.
    """
    entries = raw["items"]["data"]
    first = entries[0] if entries else {}
    return SubscriptionSnapshot(
        external_id=raw["id"],
        customer_id=read_reference(raw["customer"]),
        organization_hint=read_organization_hint(raw),
        checkout_hint=read_checkout_hint(raw),
        status=raw["status"],
        items=tuple(parse_item(entry) for entry in entries),
        period_start=parse_optional_time(first.get("current_period_start")),
        period_end=parse_optional_time(first.get("current_period_end")),
        cancel_at_period_end=bool(raw.get("cancel_at_period_end")),
        cancel_at=parse_optional_time(raw.get("cancel_at")),
        # The status stays `active`: https://docs.stripe.com/billing/subscriptions/pause-payment
        is_collection_paused=raw.get("pause_collection") is not None,
        trial_end=parse_optional_time(raw.get("trial_end")),
        started_at=parse_time(raw["created"]),
        ended_at=parse_optional_time(raw.get("ended_at")),
    )


def parse_item(raw: Json) -> Item:
    """Return an item of a subscription.

    Metered ones have no quantity.
    """
    return Item(
        external_id=raw["id"],
        price_id=read_reference(raw["price"]),
        quantity=raw.get("quantity"),
    )


def parse_checkout(raw: Json) -> CheckoutSnapshot:
    """Return a checkout session, whose url is gone once it is over."""
    return CheckoutSnapshot(
        external_id=raw["id"],
        url=raw.get("url") or "",
        expires_at=parse_time(raw["expires_at"]),
        is_open=raw.get("status") == "open",
        subscription_id=read_reference(raw.get("subscription")),
        checkout_hint=read_checkout_hint(raw),
        price_ids=tuple(
            read_reference(entry.get("price"))
            for entry in (raw.get("line_items") or {}).get("data", ())
        ),
    )


def parse_period_payment(invoices: Sequence[Json]) -> PeriodPayment:
    """Return whether the current period was paid, from a subscription's invoices, newest first."""
    # A renewal's invoice is a draft for an hour before it is collected:
    # https://docs.stripe.com/billing/invoices/subscription#renewal-invoices
    if any(invoice["status"] in ("draft", "open") for invoice in invoices):
        return PeriodPayment.OPEN
    for invoice in invoices:
        # So ends an invoice that staff give up, or one of a renewal while collection is paused:
        # https://docs.stripe.com/billing/subscriptions/pause-payment
        if invoice["status"] in ("void", "uncollectible"):
            return PeriodPayment.WRITTEN_OFF
        if _begins_period(invoice):
            break  # older invoices are of older periods
    return PeriodPayment.PAID


def _begins_period(invoice: Json) -> bool:
    """Return whether an invoice charges a whole period, and not only a change within it."""
    parents = [line["parent"] or {} for line in invoice["lines"]["data"]]
    details = [parent.get("subscription_item_details") for parent in parents]
    return invoice["billing_reason"] in ("subscription_create", "subscription_cycle") or any(
        found and not found["proration"] for found in details
    )


def parse_invoice(raw: Json) -> InvoiceSnapshot:
    """Return an invoice.

    What it is for lies under `parent`.
    """
    return InvoiceSnapshot(
        external_id=raw["id"],
        customer_id=read_reference(raw.get("customer")),
        subscription_id=read_invoice_subscription(raw),
        number=raw.get("number") or "",
        status=raw.get("status") or "draft",
        total=raw["total"],
        # Taxes of both kinds, those added to the amounts and those contained in them:
        # https://docs.stripe.com/api/invoices/object#invoice_object-total_taxes
        tax=sum(entry["amount"] for entry in raw.get("total_taxes") or ()),
        amount_due=raw["amount_due"],
        # Credit notes of the open and of the paid invoice:
        # https://docs.stripe.com/api/invoices/object#invoice_object-post_payment_credit_notes_amount
        credited=raw["pre_payment_credit_notes_amount"] + raw["post_payment_credit_notes_amount"],
        currency=raw["currency"].lower(),
        attempts=raw.get("attempt_count") or 0,
        issued_at=parse_time(raw["created"]),
        hosted_url=raw.get("hosted_invoice_url") or "",
        pdf_url=raw.get("invoice_pdf") or "",
    )


def parse_price(raw: Json) -> PriceSnapshot:
    """Return a price whose product was expanded.

    An archived product leaves its prices active, and they cannot be bought:
    https://github.com/stripe/stripe-node/issues/2131
    """
    product = raw["product"]
    return PriceSnapshot(
        external_id=raw["id"],
        product_id=read_reference(product),
        is_sold=bool(raw["active"] and product.get("active")),
    )


def read_invoice_subscription(raw: Json) -> str:
    """Return the id of an invoice's subscription, blank for any other invoice."""
    details = (raw.get("parent") or {}).get("subscription_details") or {}
    return read_reference(details.get("subscription"))


def read_organization_hint(raw: Json) -> str:
    """Return the organization in the metadata, which can be edited and is only a hint."""
    return str((raw.get("metadata") or {}).get(ORGANIZATION_METADATA_KEY, ""))


def read_checkout_hint(raw: Json) -> str:
    """Return our checkout in the metadata, which can be edited and is only a hint."""
    return str((raw.get("metadata") or {}).get(CHECKOUT_METADATA_KEY, ""))


def read_reference(value: Any) -> str:  # noqa: ANN401 - an id, an expanded object, or null
    """Return the id of what may or may not be expanded."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value["id"])


def parse_time(seconds: int) -> datetime:
    """Return the time of a Unix timestamp."""
    return datetime.fromtimestamp(seconds, UTC)


def parse_optional_time(seconds: int | None) -> datetime | None:
    """Return the time of a Unix timestamp, or None."""
    return parse_time(seconds) if seconds else None
