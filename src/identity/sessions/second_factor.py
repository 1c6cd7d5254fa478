"""Finish a sign-in with a second factor, after setting one up where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

from identity import directories, rate_limits
from identity.directories.types import AuthenticatorApp, SecondFactor, SecondFactorCall
from identity.errors import InvalidSignIn, translate_sign_in
from identity.sessions import sign_in
from identity.sessions.sign_in import Session
from identity.sign_in_errors import translate_second_factor
from kit.errors import NotFound


def sign_in_by_second_factor(
    *,
    method: SecondFactor,
    intermediate_session_token: str,
    organization_id: str,
    member_id: str,
    code: str,
) -> Session:
    """Check a code, and create the session of the sign-in it belongs to.

    Raises InvalidSignIn, InvalidSecondFactor, SignInLocked and TooManyRequests.
    """
    rate_limits.count_second_factor_check(intermediate_session_token=intermediate_session_token)
    call = _build_call(intermediate_session_token, organization_id, member_id)
    with sign_in.reserve_for(call.stytch_org_id) as reservation:
        with _translate_refusals():
            authenticated = directories.get_directory().authenticate_second_factor(
                call, method=method, code=code
            )
        return sign_in.record_sign_in(authenticated, reservation=reservation)


def send_sms_code(
    *, intermediate_session_token: str, organization_id: str, member_id: str, phone_number: str
) -> None:
    """Send a code to the member's phone, and store the number of a member without one.

    Raises InvalidSignIn, SecondFactorExists, SecondFactorNotAllowed and TooManyRequests.
    """
    rate_limits.count_sms(intermediate_session_token=intermediate_session_token)
    call = _build_call(intermediate_session_token, organization_id, member_id)
    with _translate_refusals():
        directories.get_directory().send_sms_code(call, phone_number=phone_number)


def create_authenticator_app(
    *, intermediate_session_token: str, organization_id: str, member_id: str
) -> AuthenticatorApp:
    """Set up an authenticator app for a member without a second factor.

    Raises InvalidSignIn, SecondFactorExists and SecondFactorNotAllowed.
    """
    call = _build_call(intermediate_session_token, organization_id, member_id)
    with _translate_refusals():
        return directories.get_directory().create_authenticator_app(call)


def _build_call(token: str, organization_id: str, member_id: str) -> SecondFactorCall:
    try:
        stytch_org_id = sign_in.get_stytch_id(organization_id)
    except NotFound:  # a caller without a sign-in is not told which organizations there are
        raise InvalidSignIn from None
    return SecondFactorCall(
        intermediate_session_token=token,
        stytch_org_id=stytch_org_id,
        stytch_member_id=member_id,
    )


@contextmanager
def _translate_refusals() -> Iterator[None]:
    with translate_sign_in(), translate_second_factor():
        yield
