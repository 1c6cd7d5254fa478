"""The only door to Stytch: `gateway.stytch()` answers with our own types, in three ways to fail."""

from functools import lru_cache

from identity.gateway.port import Directory
from identity.gateway.stytch import StytchDirectory


@lru_cache(maxsize=1)
def stytch() -> Directory:
    """The directory of this process; made at first use, so after a server has forked."""
    return StytchDirectory()
