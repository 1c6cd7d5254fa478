"""Moments as others write them: ISO 8601, and UTC unless they say otherwise."""

from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """An aware moment. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
