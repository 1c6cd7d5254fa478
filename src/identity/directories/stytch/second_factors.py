"""The calls that set up and check a second factor while a person signs in."""

from typing import TypedDict

import stytch
from django.utils import timezone

from identity.directories.stytch import parse
from identity.directories.stytch.errors import translate_errors
from identity.directories.stytch.sign_in import SESSION_MINUTES
from identity.directories.types import (
    Authenticated,
    AuthenticatorApp,
    SecondFactor,
    SecondFactorCall,
)


class _CallArguments(TypedDict):
    intermediate_session_token: str
    organization_id: str
    member_id: str


class SecondFactorCalls:
    """The part of the directory that sets up and checks second factors."""

    _client: stytch.B2BClient

    def create_authenticator_app(self, sign_in: SecondFactorCall) -> AuthenticatorApp:
        """Set up an authenticator app, which counts once its first code was checked."""
        with translate_errors():
            answer = self._client.totps.create(**_list_arguments(sign_in))
        return AuthenticatorApp(
            secret=answer.secret,
            qr_code=answer.qr_code,
            recovery_codes=tuple(answer.recovery_codes),
        )

    def send_sms_code(self, sign_in: SecondFactorCall, *, phone_number: str) -> None:
        """Send a code to the member's phone, whose number is given the first time."""
        with translate_errors():
            self._client.otps.sms.send(
                **_list_arguments(sign_in), mfa_phone_number=phone_number or None
            )

    def authenticate_second_factor(
        self, sign_in: SecondFactorCall, *, method: SecondFactor, code: str
    ) -> Authenticated:
        """Check a code, and turn the intermediate session into a session."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._check_code(sign_in, method, code)
        return parse.parse_finished_sign_in(answer, asked_at)

    def _check_code(
        self, sign_in: SecondFactorCall, method: SecondFactor, code: str
    ) -> parse.FinishedAnswer:
        given = _list_arguments(sign_in)
        minutes = SESSION_MINUTES
        match method:
            case "totp":
                return self._client.totps.authenticate(
                    **given, code=code, session_duration_minutes=minutes
                )
            case "sms":
                return self._client.otps.sms.authenticate(
                    **given, code=code, session_duration_minutes=minutes
                )
            case "recovery":
                return self._client.recovery_codes.recover(
                    **given, recovery_code=code, session_duration_minutes=minutes
                )


def _list_arguments(sign_in: SecondFactorCall) -> _CallArguments:
    return {
        "intermediate_session_token": sign_in.intermediate_session_token,
        "organization_id": sign_in.stytch_org_id,
        "member_id": sign_in.stytch_member_id,
    }
