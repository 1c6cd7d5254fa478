"""Serve the events that happened, for clients that missed their webhooks."""

from fnmatch import fnmatchcase

from sandbox.store import Document
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.errors import build_parameter_error
from sandbox.stripe.protocol.listing import build_list_page, is_time_within

MAX_TYPES = 20


def retrieve_event(call: Call) -> Document:
    """Return one event."""
    return call.ledger.get_object("event", call.path["id"])


def list_events(call: Call) -> Document:
    """List events by type, time, and whether their delivery succeeded."""
    types = call.params.get("types")
    if types is not None and len(types) > MAX_TYPES:
        raise build_parameter_error("You may pass up to 20 types.", param="types")
    if types is not None and "type" in call.params:
        raise build_parameter_error("You may pass `type` or `types`, not both.", param="types")
    pattern = call.params.get("type", "*")
    found = [
        event
        for event in call.ledger.list_objects("event")
        if (types is None or event["type"] in types)
        and fnmatchcase(event["type"], pattern)
        and is_time_within(event["created"], call.params.get("created"))
    ]
    wanted = call.params.get("delivery_success")
    if wanted is not None:
        arrived = list_delivered_ids(call)
        found = [event for event in found if (event["id"] in arrived) is wanted]
    return build_list_page(found, call.params, url="/v1/events")


def list_delivered_ids(call: Call) -> set[str]:
    """Return the ids of events of which a copy was delivered."""
    return {
        record["event_id"]
        for record in call.ledger.world.deliveries.list_records()
        if record["outcome"] == "delivered"
    }
