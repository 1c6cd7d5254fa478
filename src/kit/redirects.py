"""Check where a browser may be sent after paying, and after signing in with a provider."""

from urllib.parse import urlsplit

from django.conf import settings

from kit.errors import RedirectNotAllowed


def require_allowed(pointer: str, url: str) -> None:
    """Raise RedirectNotAllowed unless `url` is absolute and of a configured origin."""
    if not is_allowed(url, settings.FRONTEND_ORIGINS):
        raise RedirectNotAllowed(pointer)


def is_allowed(url: str, origins: tuple[str, ...]) -> bool:
    """Return whether scheme, host and port of a URL are those of one of `origins`."""
    # Browsers read a backslash as a slash, and drop tabs and line ends.
    if "\\" in url or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return False
    origin = f"{parts.scheme}://{_get_host(parts.hostname)}{'' if port is None else f':{port}'}"
    return origin in {known.lower().rstrip("/") for known in origins}


def _get_host(name: str) -> str:
    return f"[{name}]" if ":" in name else name
