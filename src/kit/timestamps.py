"""Parse timestamps of vendors, which are ISO 8601 and UTC unless they say otherwise."""

from datetime import UTC, datetime


def parse_timestamp(text: str) -> datetime:
    """Return an aware datetime. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
