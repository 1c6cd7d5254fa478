"""Metrics of deliveries, attempts, and events that wait or failed."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kit import health
from webhooks.inbound.models import UNSETTLED_STATES, InboundEvent, State

EVENTS_RECEIVED = Counter(
    "inbound_events_received_total",
    "Deliveries by vendors: stored, duplicate, ignored, refused, unreadable.",
    ["source", "outcome"],
)
ATTEMPTS = Counter(
    "inbound_attempts_total",
    "Attempts of handlers, by what became of the event.",
    ["source", "state"],
)


class OpenEvents(Collector):
    """Count open events at each scrape from a partial index."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing, because registering must not query."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return inbound_events_open{source, state}, whose state="failed" deserves an alert."""
        gauge = GaugeMetricFamily(
            "inbound_events_open",
            "Events not yet processed, or given up.",
            labels=["source", "state"],
        )
        counted = (
            InboundEvent.objects.filter(state__in=[*UNSETTLED_STATES, State.FAILED])
            .values_list("source", "state")
            .annotate(count=Count("pk"))
        )
        for source, state, count in counted:
            gauge.add_metric([source, state], count)
        yield gauge


health.gauges.append(OpenEvents())
