"""One normal form for e-mail addresses, used wherever attempts on an address are counted."""

import unicodedata
from contextlib import suppress


def normalize_email(email: str) -> str:
    """Return one spelling for all spellings of a mailbox, in lower case with an ASCII domain.

    Tags after a plus sign and dots stay: which of them name the same mailbox is up to each provider.
    """
    local, _, domain = unicodedata.normalize("NFKC", email.strip()).lower().rpartition("@")
    with suppress(UnicodeError):  # not every domain is a name IDNA 2003 can encode
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"
