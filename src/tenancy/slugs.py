"""Which slugs an organization may take: Stytch's alphabet, minus what would confuse a path."""

import re
import uuid

from django.utils.text import slugify

from tenancy.errors import SlugNotAllowed

PATTERN = r"[A-Za-z0-9._~-]{2,128}"
RESERVED = frozenset(
    "admin api app auth billing docs health help internal livez login me metrics new openapi "
    "organizations plans public readyz root settings signup static support system v1 webhooks www".split()
)


def check(slug: str) -> str:
    """The slug in lower case. Raises SlugNotAllowed."""
    lowered = slug.lower()
    if not re.fullmatch(PATTERN, lowered) or not re.search(r"[a-z0-9]", lowered):
        raise SlugNotAllowed("Use 2 to 128 letters, digits, '-', '.', '_' or '~'.")
    if lowered in RESERVED:
        raise SlugNotAllowed("This slug is reserved.")
    if _is_id(lowered):
        raise SlugNotAllowed("A slug must not look like an id.")
    return lowered


def check_derived(name: str) -> None:
    """Refuse a name of which Stytch would make a slug that is not allowed. Raises SlugNotAllowed."""
    likely = slugify(name)
    if re.fullmatch(PATTERN, likely):
        check(likely)


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return text.startswith("organization-")
    return True
