"""Expand `expand[]` paths by replacing ids with objects and adding lists left out by default."""

from collections.abc import Callable

from sandbox.store import Document
from sandbox.stripe.protocol import schemas
from sandbox.stripe.protocol.documents import PREFIXES, build_list_object
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger

MAX_DEPTH = 4
KINDS = {
    PREFIXES[kind]: kind
    for kind in ("customer", "product", "price", "subscription", "invoice", "payment_method")
} | {PREFIXES["billing_portal.configuration"]: "billing_portal.configuration"}

ABSENT = object()  # of a field that the answer leaves out

type Includable = Callable[[Ledger, Document], object]


def expand_answer(ledger: Ledger, doc: Document, paths: list[str]) -> Document:
    """Return the answer with every path expanded, or refuse a path that cannot be."""
    for path in paths:
        parts = path.split(".")
        if len([part for part in parts if part != "data"]) > MAX_DEPTH:
            raise StripeError("You cannot expand more than 4 levels of a property.", param="expand")
        expand_path(ledger, doc, parts, path)
    if paths and schemas.find_faults(doc):
        raise StripeError("This property cannot be expanded.", param="expand")
    return doc


def expand_path(ledger: Ledger, doc: Document, parts: list[str], path: str) -> None:
    """Expand one path below one object."""
    name, rest = parts[0], parts[1:]
    include = INCLUDABLE.get((str(doc.get("object")), name))
    if name not in doc and include:
        included = include(ledger, doc)
        if included is ABSENT:
            return
        doc[name] = included
    if name not in doc:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    value = doc[name]
    if isinstance(value, str):
        value = doc[name] = fetch_expanded(ledger, value, path)
    for entry in value if isinstance(value, list) else [value]:
        if rest and isinstance(entry, dict):
            expand_path(ledger, entry, rest, path)


def fetch_expanded(ledger: Ledger, id_: str, path: str) -> Document:
    """Return the object of an id, which for a product may be of any form."""
    for prefix, kind in KINDS.items():
        is_kind = id_.startswith(prefix) or path.rpartition(".")[2] == kind
        if is_kind and (found := ledger.find_object(kind, id_)):
            return found
    raise StripeError(f"This property cannot be expanded ({path}).", param="expand")


def include_tax_ids(ledger: Ledger, customer: Document) -> Document:
    """Return a customer's tax ids."""
    url = f"/v1/customers/{customer['id']}/tax_ids"
    return build_list_object(list(ledger.list_owned_objects("tax_id", customer["id"]))[::-1], url)


def include_subscriptions(ledger: Ledger, customer: Document) -> Document:
    """Return a customer's subscriptions that have not ended."""
    over = {"canceled", "incomplete_expired"}
    found = [
        s
        for s in ledger.list_owned_objects("subscription", customer["id"])
        if s["status"] not in over
    ]
    return build_list_object(found[::-1], f"/v1/customers/{customer['id']}/subscriptions")


def include_payments(ledger: Ledger, invoice: Document) -> Document:
    """Return an invoice's payments."""
    found = list(ledger.list_owned_objects("invoice_payment", invoice["id"]))
    return build_list_object(found[::-1], f"/v1/invoice_payments?invoice={invoice['id']}")


def include_confirmation_secret(ledger: Ledger, invoice: Document) -> Document | None:
    """Return the secret a front end would confirm an open invoice's payment with."""
    for payment in ledger.list_owned_objects("invoice_payment", invoice["id"]):
        if payment["status"] == "open":
            secret = f"{payment['payment']['payment_intent']}_secret_sandbox"
            return {"client_secret": secret, "type": "payment_intent"}
    return None


def include_line_items(ledger: Ledger, session: Document) -> Document:
    """Return the lines of a checkout session."""
    lines: list[Document] = ledger.get_private_state(session["id"])["lines"]
    return build_list_object(lines, f"/v1/checkout/sessions/{session['id']}/line_items")


def include_tiers(ledger: Ledger, price: Document) -> object:
    """Return a price's tiers, which a price per unit does not have."""
    return ledger.get_private_state(price["id"]).get("tiers", ABSENT)


INCLUDABLE: dict[tuple[str, str], Includable] = {
    ("customer", "tax_ids"): include_tax_ids,
    ("customer", "subscriptions"): include_subscriptions,
    ("invoice", "payments"): include_payments,
    ("invoice", "confirmation_secret"): include_confirmation_secret,
    ("checkout.session", "line_items"): include_line_items,
    ("price", "tiers"): include_tiers,
}
