"""Create and parse ids, instants, addresses and links in Stytch's formats."""

import re
import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import uuid4

from sandbox.store import Document
from sandbox.stytch.errors import StytchError

EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]+\.[^@\s.,;<>]+")


def build_stytch_id(kind: str) -> str:
    """Create an id such as `member-test-<uuid>`."""
    return f"{kind}-test-{uuid4()}"


def create_token() -> str:
    """Create an opaque secret."""
    return secrets.token_urlsafe(32)


def format_stytch_time(moment: datetime) -> str:
    """Format an instant in UTC with whole seconds and a final Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """Parse an instant."""
    return datetime.fromisoformat(text)


def normalize_email(text: str) -> str:
    """Return an address in the lower-case spelling used to store and compare it."""
    email = text.strip().lower()
    if not EMAIL.fullmatch(email):
        raise StytchError("invalid_email")
    return email


def get_domain(email: str) -> str:
    """Return the domain of an address."""
    return email.rpartition("@")[2]


def add_query(url: str, **params: str) -> str:
    """Add parameters to the query of a URL."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *params.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def merge_stytch_metadata(before: Document, change: Document) -> Document:
    """Merge metadata by key, where null removes a key."""
    return {key: value for key, value in (before | change).items() if value is not None}
