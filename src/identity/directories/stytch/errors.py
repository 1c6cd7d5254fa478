"""What the SDK and its transport may raise, as one of our three ways to fail."""

from collections.abc import Iterator
from contextlib import contextmanager

import pydantic
import requests
import structlog
import urllib3
from stytch.core.response_base import StytchError, StytchErrorDetails

from identity.sign_in_errors import SignInLocked
from kit import outbound
from kit.errors import TooManyRequests

log = structlog.get_logger(__name__)

VENDOR = "stytch"
SLOW_DOWN_SECONDS = 2  # the SDK hides Stytch's Retry-After
# A lock lasts an hour unless the project chose from five minutes to seven days:
# https://stytch.com/docs/resources/platform/user-locks
SHORTEST_LOCK_SECONDS = 300

_CONFIGURATION_ERRORS = frozenset(
    {"unauthorized_credentials", "use_https", "ip_address_not_allowed"}
)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Make one call under the limits of `kit.outbound`, and translate what it raises.

    Always `from None`: the text of a StytchError repeats the request, tokens included.
    """
    with outbound.guard_call(VENDOR):
        try:
            yield
        except StytchError as error:
            raise _translate_error(error.details) from None
        except requests.RequestException as error:
            raise outbound.VendorUnavailable(VENDOR, outcome_known=_never_sent(error)) from None
        except pydantic.ValidationError as error:
            log.error("stytch_answer_unreadable", model=error.title, errors=error.error_count())  # noqa: TRY400 - the traceback holds the answer
            raise outbound.VendorUnavailable(VENDOR, outcome_known=False) from None


def _translate_error(details: StytchErrorDetails) -> Exception:
    code = details.error_type or "unknown"
    if code == "user_lock_limit_reached":
        return SignInLocked("Too many wrong codes. Wait.", retry_after=SHORTEST_LOCK_SECONDS)
    if details.status_code == 429:
        return TooManyRequests("Wait a moment.", retry_after=SLOW_DOWN_SECONDS)
    if code in _CONFIGURATION_ERRORS:
        log.error("stytch_refused_our_credentials", code=code, stytch_request=details.request_id)
        return outbound.VendorUnavailable(VENDOR)
    if details.status_code >= 500:
        return outbound.VendorUnavailable(VENDOR, outcome_known=False)
    if details.status_code == 404:
        return outbound.VendorNotFound(VENDOR, code=code)
    log.info("stytch_rejected", code=code, stytch_request=details.request_id)
    return outbound.VendorRejected(VENDOR, code=code, status=details.status_code)


def _never_sent(error: requests.RequestException) -> bool:
    """Return whether the request certainly did not reach Stytch."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, urllib3.exceptions.NewConnectionError)
