"""Serve webhook endpoints, which are only stored.

The sandbox sends every event to the product that runs next to it, no matter which endpoints exist, and
returns the secret it signs with.
"""

from sandbox.store import Document
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import blank_to_none, build_object_id, merge_stripe_metadata
from sandbox.stripe.protocol.errors import build_blank_error
from sandbox.stripe.protocol.listing import build_list_page


def create_webhook_endpoint(call: Call) -> Document:
    """Register an endpoint and return its secret, which is shown only once."""
    endpoint: Document = {
        "id": build_object_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": call.params.get("api_version"),
        "application": None,
        "created": call.ledger.now,
        "description": blank_to_none(call.params.get("description")),
        "enabled_events": call.params["enabled_events"],
        "livemode": False,
        "metadata": merge_stripe_metadata({}, call.params.get("metadata")),
        "status": "enabled",
        "url": call.params["url"],
    }
    call.ledger.add_object(endpoint)
    return endpoint | {"secret": call.ledger.world.settings.stripe_webhook_secret}


def retrieve_webhook_endpoint(call: Call) -> Document:
    """Return an endpoint."""
    return call.ledger.get_object("webhook_endpoint", call.path["webhook_endpoint"])


def update_webhook_endpoint(call: Call) -> Document:
    """Change an endpoint, except for its API version."""
    endpoint = retrieve_webhook_endpoint(call)
    if call.params.get("url") == "":
        raise build_blank_error("url")
    for name in ("url", "enabled_events", "description"):
        if name in call.params:
            endpoint[name] = blank_to_none(call.params[name])
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    endpoint["metadata"] = merge_stripe_metadata(endpoint["metadata"], call.params.get("metadata"))
    call.ledger.save_object(endpoint)
    return endpoint


def delete_webhook_endpoint(call: Call) -> Document:
    """Delete an endpoint."""
    endpoint = retrieve_webhook_endpoint(call)
    call.ledger.remove_object(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def list_webhook_endpoints(call: Call) -> Document:
    """List endpoints."""
    found = call.ledger.list_objects("webhook_endpoint")
    return build_list_page(found, call.params, url="/v1/webhook_endpoints")
