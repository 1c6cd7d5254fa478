"""Serve products, which group prices."""

from sandbox.store import Document
from sandbox.stripe import prices, product_documents
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.errors import StripeError


def create_product(call: Call) -> Document:
    """Create a product, under the caller's own id if given."""
    params = dict(call.params)
    price = params.pop("default_price_data", None)
    product = product_documents.insert_product(call.ledger, params)
    if price:
        created = prices.insert_price(call.ledger, price | {"product": product["id"]})
        product["default_price"] = created["id"]
        call.ledger.save_object(product)
    return product


def retrieve_product(call: Call) -> Document:
    """Return a product."""
    return call.ledger.get_object("product", call.path["id"])


def update_product(call: Call) -> Document:
    """Change a product."""
    product = retrieve_product(call)
    if default := call.params.get("default_price"):
        call.ledger.get_object("price", default, param="default_price")
    result = product_documents.apply_product_fields(product, call.params) | {
        "updated": call.ledger.now
    }
    call.ledger.save_object(result, event="product.updated")
    return result


def delete_product(call: Call) -> Document:
    """Delete a product that has no prices."""
    product = retrieve_product(call)
    if any(price["product"] == product["id"] for price in call.ledger.list_objects("price")):
        raise StripeError(
            "This product cannot be deleted because it has one or more user-created prices."
        )
    call.ledger.remove_object(product, event="product.deleted")
    return {"id": product["id"], "object": "product", "deleted": True}
