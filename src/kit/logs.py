"""Configure structured logs with a request id and without secrets."""

import logging.config
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"
SECRET_KEYS: Final = re.compile(
    r"authorization|cookie|e_?mail|jwt|passw|secret|token", re.IGNORECASE
)
SECRET_PATTERN: Final = re.compile(
    r"""
      Bearer\s+[^\s"',]+                             # any authorization header
    | eyJ[\w-]{5,}\.[\w-]+\.[\w-]*                   # JWTs
    | whsec_[\w+/=-]+                                # webhook secrets
    | \b(?:sk|rk)_(?:live|test)_\w+                  # Stripe keys
    | secret-(?:live|test)-[\w=-]+                   # Stytch secrets
    | (?<=://)[^\s:/@]+:[^\s/@]+(?=@)                # user:password in a URL
    | [\w.+-]+@[\w-]+\.[\w.-]+                       # e-mail addresses
    """,
    re.VERBOSE | re.IGNORECASE,
)
LOGGER_LEVELS: Final = {
    # kit.problems logs failures and kit.middleware logs requests: once each, not twice.
    "django.request": "CRITICAL",
    "django.security.DisallowedHost": "CRITICAL",
    # HTTP clients log addresses with their queries.
    "httpx": "WARNING",
    "urllib3": "WARNING",
    "stripe": "WARNING",
    # Tells of every task it registers, each time anything starts.
    "procrastinate": "WARNING",
    "axes": "WARNING",
}


def redact_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Remove values that look like secrets or personal data from a log event."""
    return {key: _clean_value(key, value) for key, value in event.items()}


def _clean_value(key: str, value: Any) -> Any:  # noqa: ANN401 - log values are anything
    if SECRET_KEYS.search(key) and isinstance(value, str | bytes):
        return REDACTED
    if isinstance(value, str):
        return SECRET_PATTERN.sub(REDACTED, value)
    if isinstance(value, Mapping):
        return {inner: _clean_value(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_value("", item) for item in value]
    return value


def configure_logging(*, style: Literal["console", "json"], level: str) -> dict[str, Any]:
    """Set up structlog and return the configuration of the standard library's logging."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    configuration = _configure_standard(shared, style, level)
    logging.config.dictConfig(configuration)
    return configuration


def _for_a_person(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Format a line for a terminal, with the time of day and the end of the request id."""
    event.pop("logger", None)
    event["timestamp"] = event.get("timestamp", "")[11:19]
    if event.get("request_id"):
        event["request_id"] = event["request_id"][-6:]
    return event


def _configure_standard(
    shared: list[Processor], style: Literal["console", "json"], level: str
) -> dict[str, Any]:
    console = structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
    )
    render: list[Processor] = (
        [structlog.processors.JSONRenderer()] if style == "json" else [_for_a_person, console]
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,  # as text, so that redact reads it too
            redact_event,
            *render,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": level} for name, level in LOGGER_LEVELS.items()},
    }
