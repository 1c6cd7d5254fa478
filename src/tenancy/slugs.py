"""Check slugs against Stytch's alphabet and the words reserved in paths."""

import re
import secrets
import uuid

from django.utils.text import slugify

from tenancy.errors import SlugNotAllowed

SLUG_PATTERN = r"[A-Za-z0-9._~-]{2,128}"
GENERATED_SLUG_BYTES = 5
RESERVED_SLUGS = frozenset(
    "admin api app auth billing docs health help internal livez login me metrics new openapi "
    "organizations plans public readyz root settings signup static support system v1 webhooks www".split()
)


def check_slug(slug: str) -> str:
    """Return the slug in lower case. Raises SlugNotAllowed."""
    lowered = slug.lower()
    if not re.fullmatch(SLUG_PATTERN, lowered) or not re.search(r"[a-z0-9]", lowered):
        raise SlugNotAllowed("Use 2 to 128 letters, digits, '-', '.', '_' or '~'.")
    if lowered in RESERVED_SLUGS:
        raise SlugNotAllowed("This slug is reserved.")
    if _looks_like_id(lowered):
        raise SlugNotAllowed("A slug must not look like an id.")
    return lowered


def check_derived_slug(name: str) -> None:
    """Refuse a name of which Stytch would make a slug that is not allowed. Raises SlugNotAllowed."""
    likely = slugify(name)
    if re.fullmatch(SLUG_PATTERN, likely):
        check_slug(likely)


def generate_slug() -> str:
    """Return a random slug for an organization that was created without a name."""
    return f"org-{secrets.token_hex(GENERATED_SLUG_BYTES)}"


def _looks_like_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return text.startswith("organization-")
    return True
