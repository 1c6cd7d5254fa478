"""Refusals of a sign-in that needs another factor, and how Stytch's words become them.

Unauthenticated
└── InvalidSecondFactor     the code of the second factor is wrong or was used before
TooManyRequests
└── SignInLocked            too many wrong codes
Conflict
├── MfaRequired             a second factor is missing
├── AnotherFactorRequired   the organization does not accept this way of signing in
└── SecondFactorExists · SecondFactorNotAllowed · JoiningNotAllowed
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kit.errors import Conflict, FieldError, Malformed, TooManyRequests, Unauthenticated
from kit.outbound import VendorNotFound, VendorRejected


class InvalidSecondFactor(Unauthenticated):
    """The code of the second factor is wrong.

    Enter a current code. The intermediate session token stays valid.
    """


class SignInLocked(TooManyRequests):
    """Too many wrong codes were entered.

    Wait as many seconds as `Retry-After` says; the lock may last longer.
    """


class MfaRequired(Conflict):
    """A second factor is required.

    Send its code to `POST /v1/auth/mfa/{method}` with the token, the organization and the member of this answer. Set
    one of `methods` up first if `enrolled` is false.
    """


class AnotherFactorRequired(Conflict):
    """The organization asks for another way of signing in.

    Sign in by one of `methods`; `connections` are the organization's own identity providers.
    """


class SecondFactorExists(Conflict):
    """The member has a second factor already.

    Use that one.
    """


class SecondFactorNotAllowed(Conflict):
    """The organization does not allow this second factor.

    Use another of `methods`.
    """


class JoiningNotAllowed(Conflict):
    """The organization admits only people it has invited.

    Ask one of its admins for an invitation.
    """


_WRONG_CODE_CODES = frozenset(
    {
        "otp_code_not_found",
        "unable_to_auth_otp_code",
        "unable_to_authenticate_totp",
        "invalid_totp_code",
        "totp_code_already_authenticated",
        "totp_not_found",
        "recovery_code_used_as_totp_code",
        "totp_code_used_as_recovery_code",
        "unable_to_authenticate_recovery_code",
        "invalid_recovery_code",
        "recovery_codes_not_found",
    }
)
_SECOND_FACTOR_PROBLEMS: dict[str, type[Conflict]] = {
    "active_totp_exists": SecondFactorExists,
    "pending_totp_exists": SecondFactorExists,
    "secondary_factor_not_found": SecondFactorExists,  # the existing one was not shown
    "operation_restricted_by_organization_mfa_methods": SecondFactorNotAllowed,
}
_PHONE_NUMBER_CODES = frozenset(
    {"invalid_phone_number", "invalid_phone_number_country_code", "phone_number_not_found"}
)
_JOINING_CODES = frozenset(
    {"email_jit_provisioning_not_allowed", "invalid_email_for_jit_provisioning"}
)


@contextmanager
def translate_joining() -> Iterator[None]:
    """Translate refusals of a sign-in with an organization's own provider."""
    try:
        yield
    except VendorRejected as error:
        if error.code in _JOINING_CODES:
            raise JoiningNotAllowed from None
        raise


@contextmanager
def translate_second_factor() -> Iterator[None]:
    """Translate refusals of a call that sets up or checks a second factor."""
    try:
        yield
    except (VendorRejected, VendorNotFound) as error:
        if error.code in _WRONG_CODE_CODES:
            raise InvalidSecondFactor from None
        if error.code in _PHONE_NUMBER_CODES:
            detail = "Send a phone number in the international format, such as +15005550006."
            raise Malformed(errors=[FieldError("/phone_number", "invalid", detail)]) from None
        if kind := _SECOND_FACTOR_PROBLEMS.get(error.code):
            raise kind from None
        raise
