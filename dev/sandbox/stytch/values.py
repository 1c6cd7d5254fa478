"""Small values of the Stytch half.

Ids, instants, e-mail addresses, links.
"""

import re
import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import uuid4

from sandbox.store import Document
from sandbox.stytch.errors import StytchError

EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]+\.[^@\s.,;<>]+")


def build_stytch_id(kind: str) -> str:
    """Return an id such as `member-test-<uuid>`."""
    return f"{kind}-test-{uuid4()}"


def new_token() -> str:
    """Return an opaque secret."""
    return secrets.token_urlsafe(32)


def format_stytch_time(moment: datetime) -> str:
    """Write an instant the way Stytch does.

    Whole seconds, UTC, Z.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """Read an instant back."""
    return datetime.fromisoformat(text)


def normal_email(text: str) -> str:
    """Return the one spelling under which an address is kept and compared."""
    email = text.strip().lower()
    if not EMAIL.fullmatch(email):
        raise StytchError("invalid_email")
    return email


def domain_of(email: str) -> str:
    """Return the part after the @."""
    return email.rpartition("@")[2]


def with_query(url: str, **params: str) -> str:
    """Return a URL with parameters added to those it already has."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *params.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def merge_stytch_values(before: Document, change: Document) -> Document:
    """Merge metadata the way Stytch does.

    Key by key, null removes.
    """
    return {key: value for key, value in (before | change).items() if value is not None}
