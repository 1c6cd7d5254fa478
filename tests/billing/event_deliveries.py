"""Handle the events of a customer as the webhooks of Stripe do, in another order."""

from billing.handlers import PULL_BY_KIND
from billing.providers.stripe.webhooks import EVENT_KINDS
from billing.providers.types import ObjectKind
from tests.billing.support import build_stripe_client

LOST_SHARE, REPEATED_SHARE, MAX_EVENTS = 0.4, 0.2, 6


class EventDeliveries:
    """Handle a customer's events as the webhooks of Stripe do, in another order."""

    def __init__(self, generator, customer_id):
        self.random, self.customer_id = generator, customer_id
        self.handled = {event.id for event in self._list_events()}

    def handle_new(self):
        """Handle most of the new events, some twice, and return whether one led to a fetch."""
        new = [event for event in self._list_events() if event.id not in self.handled]
        self.handled.update(event.id for event in new)
        kept = [one for one in new if self.random.random() >= LOST_SHARE][:MAX_EVENTS]
        kept += [one for one in kept if self.random.random() < REPEATED_SHARE]
        self.random.shuffle(kept)
        for event in kept:
            PULL_BY_KIND[EVENT_KINDS[event.type]]("stripe", event.data.object.id)
        kinds = {EVENT_KINDS[event.type] for event in kept}
        return not kinds.isdisjoint({ObjectKind.SUBSCRIPTION, ObjectKind.INVOICE})

    def _list_events(self):
        events = build_stripe_client().v1.events.list({"limit": 100}).data
        return [
            event
            for event in events
            if event.type in EVENT_KINDS
            and EVENT_KINDS[event.type] in (ObjectKind.SUBSCRIPTION, ObjectKind.INVOICE)
            and event.data.object.customer == self.customer_id
        ]
