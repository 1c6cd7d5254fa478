"""Limit how far back the audit log is read, by the plan's feature."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

FEATURE_KEY: Final = "audit_history"
RECENT_PERIOD: Final = timedelta(days=30)


def recent_since() -> datetime:
    """Return the time since which events are recent."""
    return timezone.now() - RECENT_PERIOD


def require_history(organization: Any, since: datetime) -> None:  # noqa: ANN401 - tenancy lies above
    """Refuse events older than thirty days where the plan lacks the feature.

    Raises what `settings.FEATURE_GATE` raises: 402 with the FeatureAccess.
    """
    if since < recent_since():
        gate: Callable[[Any, str], None] = import_string(settings.FEATURE_GATE)
        gate(organization, FEATURE_KEY)
