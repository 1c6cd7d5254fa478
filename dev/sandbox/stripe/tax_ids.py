"""Serve customers' tax ids, whose format is checked at once and whose registration later."""

import re

from sandbox.store import Document
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.errors import StripeError, build_missing_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page

EU_VAT = re.compile(
    r"(?P<country>AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[A-Z0-9+*]{2,13}"
)
FORMATS = {
    "eu_vat": EU_VAT,
    "gb_vat": re.compile(r"GB([0-9]{9}([0-9]{3})?|(GD|HA)[0-9]{3})"),
    # The one documented form. That Stripe takes no other is a belief:
    # https://docs.stripe.com/billing/customer/tax-ids#supported-tax-id
    "ch_vat": re.compile(r"CHE-[0-9]{3}\.[0-9]{3}\.[0-9]{3} (MWST|TVA|IVA)"),
    "no_vat": re.compile(r"[0-9]{9}MVA"),
    "us_ein": re.compile(r"[0-9]{2}-[0-9]{7}"),
}
UNVERIFIED_ENDING = "111111111"
PENDING_ENDING = "222222222"
VERIFIED_TYPES = frozenset({"eu_vat", "gb_vat", "au_abn"})


def attach_tax_id(ledger: Ledger, customer: str, *, type_: str, value: str) -> Document:
    """Add a tax id, which is pending until its verification sends an update."""
    pattern = FORMATS.get(type_)
    if not value or (pattern and not pattern.fullmatch(value)):
        raise StripeError(f"Invalid value for {type_}.", code="tax_id_invalid", param="value")
    tax_id: Document = {
        "id": build_object_id("tax_id"),
        "object": "tax_id",
        "country": get_tax_id_country(type_, value),
        "created": ledger.now,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "owner": {"type": "customer", "customer": customer, "customer_account": None},
        "type": type_,
        "value": value,
        "verification": build_verification("pending") if type_ in VERIFIED_TYPES else None,
    }
    ledger.add_object(tax_id, owners=(customer,), event="customer.tax_id.created")
    verify_tax_id(ledger, tax_id)
    return tax_id


def verify_tax_id(ledger: Ledger, tax_id: Document) -> None:
    """Set the verification of a tax id and announce it.

    Numbers ending in 111111111 are unverified, those ending in 222222222 stay pending.
    """
    if tax_id["verification"] is None or tax_id["value"].endswith(PENDING_ENDING):
        return
    status = "unverified" if tax_id["value"].endswith(UNVERIFIED_ENDING) else "verified"
    known = tax_id | {"verification": build_verification(status)}
    ledger.save_object(known)
    ledger.record_event("customer.tax_id.updated", known, before=tax_id)


def build_verification(status: str) -> Document:
    """Return the result of a verification."""
    known = status == "verified"
    return {
        "status": status,
        "verified_address": "Sandbox street 1" if known else None,
        "verified_name": "Sandbox registered name" if known else None,
    }


def get_tax_id_country(type_: str, value: str) -> str | None:
    """Return the country of a tax id, where Greece has the prefix EL and Northern Ireland XI."""
    if type_ == "eu_vat":
        return {"EL": "GR", "XI": "GB"}.get(value[:2], value[:2])
    country = type_.partition("_")[0].upper()
    return country if len(country) == 2 else None


def create_tax_id(call: Call) -> Document:
    """Add a tax id to a customer, which is returned as pending."""
    customer = call.ledger.get_object("customer", call.path["customer"], param="customer")
    return attach_tax_id(
        call.ledger, customer["id"], type_=call.params["type"], value=call.params["value"]
    )


def retrieve_tax_id(call: Call) -> Document:
    """Return one tax id of a customer."""
    tax_id = call.ledger.get_object("tax_id", call.path["id"])
    if tax_id["customer"] != call.path["customer"]:
        raise build_missing_error("tax_id", tax_id["id"])
    return tax_id


def delete_tax_id(call: Call) -> Document:
    """Remove a tax id."""
    tax_id = retrieve_tax_id(call)
    call.ledger.remove_object(tax_id, event="customer.tax_id.deleted")
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}


def list_tax_ids(call: Call) -> Document:
    """List a customer's tax ids."""
    customer = call.ledger.get_object("customer", call.path["customer"], param="customer")
    found = call.ledger.list_owned_objects("tax_id", customer["id"])
    return build_list_page(found, call.params, url=f"/v1/customers/{customer['id']}/tax_ids")
