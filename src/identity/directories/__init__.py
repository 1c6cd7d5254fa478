"""The only door to Stytch: `gateway.stytch()` answers with our own types, in three ways to fail."""

from functools import lru_cache

from identity.directories.stytch.client import StytchDirectory
from identity.directories.types import Directory


@lru_cache(maxsize=1)
def current() -> Directory:
    """The directory of this process; made at first use, so after a server has forked."""
    return StytchDirectory()
