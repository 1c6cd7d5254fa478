"""The directory in use.

`get_directory()` answers with our own types and three ways to fail.
"""

from functools import lru_cache

from identity.directories.stytch.client import StytchDirectory
from identity.directories.types import Directory


@lru_cache(maxsize=1)
def get_directory() -> Directory:
    """Return the directory of this process, created at first use, after a server has forked."""
    return StytchDirectory()
