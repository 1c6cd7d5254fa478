"""Webhook endpoints, kept as documents.

The sandbox sends every event to one place, the product beside it, whatever is registered here; so the
secret it hands out is the one it signs with.
"""

from sandbox.store import Document
from sandbox.stripe.dispatch import Call
from sandbox.stripe.documents import merged, new_id, unset
from sandbox.stripe.errors import blank
from sandbox.stripe.listing import page


def create(call: Call) -> Document:
    """Register an endpoint; its secret is shown this once."""
    endpoint: Document = {
        "id": new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": call.params.get("api_version"),
        "application": None,
        "created": call.ledger.now,
        "description": unset(call.params.get("description")),
        "enabled_events": call.params["enabled_events"],
        "livemode": False,
        "metadata": merged({}, call.params.get("metadata")),
        "status": "enabled",
        "url": call.params["url"],
    }
    call.ledger.add(endpoint)
    return endpoint | {"secret": call.ledger.world.settings.stripe_webhook_secret}


def retrieve(call: Call) -> Document:
    """Return an endpoint."""
    return call.ledger.get("webhook_endpoint", call.path["webhook_endpoint"])


def update(call: Call) -> Document:
    """Change an endpoint; its API version never changes."""
    endpoint = retrieve(call)
    if call.params.get("url") == "":
        raise blank("url")
    for name in ("url", "enabled_events", "description"):
        if name in call.params:
            endpoint[name] = unset(call.params[name])
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    endpoint["metadata"] = merged(endpoint["metadata"], call.params.get("metadata"))
    call.ledger.save(endpoint)
    return endpoint


def delete(call: Call) -> Document:
    """Forget an endpoint."""
    endpoint = retrieve(call)
    call.ledger.remove(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def index(call: Call) -> Document:
    """List endpoints."""
    found = call.ledger.all("webhook_endpoint")
    return page(found, call.params, url="/v1/webhook_endpoints")
