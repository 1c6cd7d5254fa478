"""A mail server's URL as Django's settings want it."""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

# How each scheme protects the connection. Django chooses the usual port where the URL has none.
SCHEMES: Final[dict[str, dict[str, bool]]] = {
    "smtp": {},
    "smtp+tls": {"use_tls": True},
    "smtps": {"use_ssl": True},
}
TIMEOUT_SECONDS: Final = 20


def parse_mail_url(url: str) -> dict[str, Any]:
    """Parse `smtp+tls://user:password@host:587` into a mailer. Raises ValueError.

    Without a URL, mails go to Django's dummy, since nothing may be sent.
    """
    if not url:
        return {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(f"should be {', '.join(SCHEMES)} with a host")
    try:
        port = parts.port
    except ValueError:  # its text would show what may be part of a password
        raise ValueError("has no valid port; percent-encode the password") from None
    options: dict[str, Any] = {
        "host": parts.hostname,
        "port": port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "timeout": TIMEOUT_SECONDS,
        **SCHEMES[parts.scheme],
    }
    return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
