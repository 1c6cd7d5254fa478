"""Store the directory's public keys, so that a process can verify sessions while it is away.

The web role may only read the table: a key it could insert would sign any session. A job of the
owner role fetches and writes.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jwt
import structlog
from django.db import transaction

from identity import directories
from identity.models import SigningKeySet
from kit import jobs
from kit.errors import Problem
from kit.outbound import VendorNotFound, VendorRejected

log = structlog.get_logger(__name__)

type Document = dict[str, Any]


def fetch_published_keys() -> list[Document]:
    """Fetch the JSON Web Keys that the directory publishes."""
    return directories.get_directory().fetch_signing_keys()


def load_stored_keys() -> tuple[list[Document], float] | None:
    """Return the stored keys and when they were asked for, or None if there are none."""
    stored = SigningKeySet.objects.filter(directory=directories.get_directory().name).first()
    return (stored.keys, stored.fetched_at.timestamp()) if stored else None


def report_published_keys(documents: list[Document]) -> None:
    """Defer a job that fetches and stores the keys, if the stored ones are others."""
    stored = load_stored_keys()
    if stored is None or _list_key_ids(stored[0]) != _list_key_ids(documents):
        name = directories.get_directory().name
        jobs.defer_job("identity.refresh_signing_keys", coalesce=name)


def refresh_stored_keys() -> None:
    """Fetch the published keys and store them, or keep the stored ones if that fails."""
    asked_at = datetime.fromtimestamp(time.time(), UTC)
    try:
        documents = select_usable_keys(fetch_published_keys())
    except (Problem, VendorRejected, VendorNotFound) as error:
        log.warning("signing_keys_not_refreshed", error=type(error).__name__)
        return
    if not documents:
        log.error("signing_keys_unusable", published=0)
        return
    with transaction.atomic():
        name = directories.get_directory().name
        stored, is_new = SigningKeySet.objects.select_for_update().get_or_create(
            directory=name, defaults={"keys": documents, "fetched_at": asked_at}
        )
        if is_new or stored.fetched_at >= asked_at:
            return
        stored.keys, stored.fetched_at = documents, asked_at
        stored.save(update_fields=["keys", "fetched_at"])


def select_usable_keys(documents: Sequence[Document]) -> list[Document]:
    """Return the keys that verify RS256 signatures and have an id."""
    return [key for key in documents if _is_usable_key(key)]


def _is_usable_key(key: Document) -> bool:
    if key.get("kty") != "RSA" or key.get("alg") != "RS256" or not key.get("kid"):
        return False
    try:
        jwt.PyJWK(key, algorithm="RS256")
    except jwt.PyJWTError:
        return False
    return True


def _list_key_ids(documents: Sequence[Document]) -> list[str]:
    return sorted(key["kid"] for key in select_usable_keys(documents))
