"""Build and insert product documents."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe.protocol.documents import blank_to_none, build_object_id, merge_stripe_metadata
from sandbox.stripe.protocol.errors import StripeError, build_blank_error
from sandbox.stripe.protocol.ledger import Ledger

COPIED_FIELDS = (
    "name",
    "active",
    "description",
    "images",
    "marketing_features",
    "statement_descriptor",
    "unit_label",
    "url",
    "shippable",
    "default_price",
    "tax_code",
)


def insert_product(ledger: Ledger, params: dict[str, Any]) -> Document:
    """Insert a product."""
    id_ = params.get("id") or build_object_id("product")
    if ledger.find_object("product", id_):
        raise StripeError(
            f"Product already exists: {id_}", code="resource_already_exists", param="id"
        )
    product: Document = {
        "id": id_,
        "object": "product",
        "active": True,
        "created": ledger.now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": None,
        "updated": ledger.now,
        "url": None,
    }
    product = apply_product_fields(product, params)
    ledger.add_object(product, event="product.created")
    return product


def apply_product_fields(product: Document, params: dict[str, Any]) -> Document:
    """Return a product with the parameters applied."""
    if params.get("name") == "":
        raise build_blank_error("name")
    result = product | {
        name: blank_to_none(params[name]) for name in COPIED_FIELDS if name in params
    }
    result["images"] = result["images"] or []
    result["marketing_features"] = result["marketing_features"] or []
    result["metadata"] = merge_stripe_metadata(product["metadata"], params.get("metadata"))
    return result
