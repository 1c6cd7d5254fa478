"""The metric of organizations that have lost their last admin."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from identity.models import MissingAdmin
from kit import health


class OrganizationsWithoutAdmin(Collector):
    """Count the flagged organizations at each scrape from a partial index."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing, because registering must not query."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return organizations_without_admin, which deserves an alert above zero."""
        yield GaugeMetricFamily(
            "organizations_without_admin",
            "Organizations that have active members and no admin.",
            value=MissingAdmin.objects.open().count(),
        )


health.gauges.append(OrganizationsWithoutAdmin())
