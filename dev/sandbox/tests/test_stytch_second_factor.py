"""Set up and check second factors, by the unmodified SDK."""

import time

import pytest

from sandbox.stytch import totp_codes
from sandbox.tests.support import refused

PHONE = "+15005550006"


def code_of(secret, *, later=0):
    return totp_codes.compute_code(secret, int(time.time()) // 30 + later)


@pytest.fixture
def begin(client, control, acme, ada):
    """Signs Ada in by a mailed link where Acme wants a second factor, and returns the answer."""
    client.organizations.update(acme.organization_id, mfa_policy="REQUIRED_FOR_ALL")

    def start():
        client.magic_links.email.login_or_signup(acme.organization_id, "ada@acme.example")
        answer = client.magic_links.authenticate(control.mail("ada@acme.example")["token"])
        assert not answer.member_authenticated
        return answer

    return start


@pytest.fixture
def place(acme, ada):
    return {"organization_id": acme.organization_id, "member_id": ada.member_id}


@pytest.fixture
def app(client, begin, place):
    """Ada's authenticator app, already used for one sign-in."""
    token = begin().intermediate_session_token
    made = client.totps.create(**place, intermediate_session_token=token)
    client.totps.authenticate(**place, code=code_of(made.secret), intermediate_session_token=token)
    return made


# https://www.rfc-editor.org/rfc/rfc6238#appendix-B, of which an app shows the last six digits
@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert totp_codes.compute_code(secret, seconds // 30) == code


def test_first_code_of_an_app_enrols_and_signs_in(client, begin, place):
    token = begin().intermediate_session_token
    made = client.totps.create(**place, intermediate_session_token=token)
    pending = client.organizations.members.get(**place).member

    done = client.totps.authenticate(
        **place, code=code_of(made.secret), intermediate_session_token=token
    )

    assert pending.totp_registration_id == ""
    assert (done.member.mfa_enrolled, done.member.default_mfa_method) == (True, "totp")
    assert done.member.totp_registration_id == made.totp_registration_id
    factors = [one.type.value for one in done.member_session.authentication_factors]
    assert factors == ["magic_link", "totp"]
    with refused("intermediate_session_not_found", 404):
        client.totps.authenticate(
            **place, code=code_of(made.secret, later=1), intermediate_session_token=token
        )


def test_code_works_once_and_only_around_its_time(client, begin, place, app):
    token = begin().intermediate_session_token
    for wrong, error in [
        (code_of(app.secret), "totp_code_already_authenticated"),
        (code_of(app.secret, later=40), "unable_to_authenticate_totp"),
    ]:
        with refused(error, 401):
            client.totps.authenticate(**place, code=wrong, intermediate_session_token=token)


def test_pending_app_expires(client, control, begin, place):
    token = begin().intermediate_session_token
    made = client.totps.create(**place, intermediate_session_token=token, expiration_minutes=5)
    control.advance(minutes=5)

    with refused("totp_not_found", 404):
        client.totps.authenticate(
            **place, code=code_of(made.secret), intermediate_session_token=token
        )


def test_sign_in_expires_after_ten_minutes(client, control, begin, place):
    token = begin().intermediate_session_token
    made = client.totps.create(**place, intermediate_session_token=token)
    control.advance(minutes=10)

    with refused("intermediate_session_not_found", 404):
        client.totps.authenticate(
            **place, code=code_of(made.secret), intermediate_session_token=token
        )


def test_second_app_is_refused(client, begin, place, app):
    with refused("secondary_factor_not_found", 404):
        client.totps.create(**place)


def test_recovery_code_works_once(client, begin, place, app):
    token = begin().intermediate_session_token
    done = client.recovery_codes.recover(
        **place, recovery_code=app.recovery_codes[0], intermediate_session_token=token
    )

    assert done.recovery_codes_remaining == 9
    assert app.recovery_codes[0] not in client.recovery_codes.get(**place).recovery_codes
    with refused("invalid_recovery_code", 400):
        client.recovery_codes.recover(
            **place,
            recovery_code=app.recovery_codes[0],
            intermediate_session_token=begin().intermediate_session_token,
        )


def test_message_enrols_a_phone_and_the_next_one_comes_by_itself(client, control, begin, place):
    token = begin().intermediate_session_token
    client.otps.sms.send(**place, mfa_phone_number=PHONE, intermediate_session_token=token)
    done = client.otps.sms.authenticate(
        **place, code=control.mail(PHONE)["code"], intermediate_session_token=token
    )
    again = begin()

    assert done.member.mfa_phone_number_verified
    assert again.mfa_required.secondary_auth_initiated == "sms_otp"
    assert again.mfa_required.member_options.mfa_phone_number == PHONE
    assert len(control.mails(PHONE)) == 2


def test_message_expires_after_two_minutes(client, control, begin, place):
    token = begin().intermediate_session_token
    client.otps.sms.send(**place, mfa_phone_number=PHONE, intermediate_session_token=token)
    control.advance(minutes=2)

    with refused("unable_to_auth_otp_code", 401):
        client.otps.sms.authenticate(
            **place, code=control.mail(PHONE)["code"], intermediate_session_token=token
        )


@pytest.mark.parametrize(
    ("number", "error", "status"),
    [(None, "phone_number_not_found", 404), ("5550006", "invalid_phone_number", 400)],
)
def test_message_needs_a_number(client, begin, place, number, error, status):
    token = begin().intermediate_session_token

    with refused(error, status):
        client.otps.sms.send(**place, mfa_phone_number=number, intermediate_session_token=token)


def test_forbidden_method_is_refused(client, acme, begin, place):
    client.organizations.update(
        acme.organization_id, mfa_methods="RESTRICTED", allowed_mfa_methods=["sms_otp"]
    )

    with refused("operation_restricted_by_organization_mfa_methods", 403):
        client.totps.create(**place)


def test_sign_in_without_a_first_factor_is_refused(client, acme, ada, begin, place, proven):
    other = proven("eve@elsewhere.example").intermediate_session_token

    with refused("action_available_only_once_primary_authentication_is_met", 400):
        client.totps.authenticate(**place, code="000000", intermediate_session_token=other)


def test_ten_wrong_codes_lock_the_member_for_an_hour(client, control, begin, place, app):
    token = begin().intermediate_session_token
    for _ in range(10):
        with refused("unable_to_authenticate_totp", 401):
            client.totps.authenticate(
                **place, code=code_of(app.secret, later=40), intermediate_session_token=token
            )

    right = code_of(app.secret, later=1)
    with refused("user_lock_limit_reached", 429):
        client.totps.authenticate(**place, code=right, intermediate_session_token=token)
    assert client.organizations.members.get(**place).member.is_locked
    control.advance(hours=1)
    token = begin().intermediate_session_token
    assert client.totps.authenticate(**place, code=right, intermediate_session_token=token)


def test_right_code_resets_the_count(client, begin, place, app):
    token = begin().intermediate_session_token
    for _ in range(9):
        with refused("unable_to_authenticate_totp", 401):
            client.totps.authenticate(
                **place, code=code_of(app.secret, later=40), intermediate_session_token=token
            )
    client.totps.authenticate(
        **place, code=code_of(app.secret, later=1), intermediate_session_token=token
    )

    with refused("unable_to_authenticate_totp", 401):
        client.totps.authenticate(
            **place,
            code=code_of(app.secret, later=40),
            intermediate_session_token=begin().intermediate_session_token,
        )
    assert not client.organizations.members.get(**place).member.is_locked
