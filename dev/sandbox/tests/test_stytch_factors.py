"""Organizations that ask for more than a mailed link.

Another way in, or a second factor.
"""

import pytest


@pytest.fixture
def strict(client, acme):
    """Changes what Acme asks of anyone who signs in."""

    def change(**settings):
        client.organizations.update(acme.organization_id, **settings)

    return change


def linked(client, control, acme, **options):
    client.magic_links.email.login_or_signup(acme.organization_id, "ada@acme.example")
    token = control.mail("ada@acme.example")["token"]
    return client.magic_links.authenticate(token, **options)


def test_second_factor_is_asked_for_and_there_is_no_session(client, control, acme, ada, strict):
    strict(mfa_policy="REQUIRED_FOR_ALL")

    answer = linked(client, control, acme)

    assert not answer.member_authenticated
    assert (answer.session_token, answer.session_jwt, answer.member_session) == ("", "", None)
    assert answer.mfa_required.member_options is None
    assert answer.intermediate_session_token
    assert client.sessions.get(acme.organization_id, ada.member_id).member_sessions == []


def test_enrolled_member_gets_the_options_for_a_second_factor(client, control, acme, ada):
    client.organizations.members.update(
        acme.organization_id, ada.member_id, mfa_enrolled=True, mfa_phone_number="+15005550006"
    )

    answer = linked(client, control, acme)

    assert answer.mfa_required.member_options.mfa_phone_number == "+15005550006"


def test_running_session_outlives_a_new_policy(client, control, acme, ada, strict):
    session = linked(client, control, acme)
    strict(mfa_policy="REQUIRED_FOR_ALL")

    again = client.sessions.authenticate(session_token=session.session_token)

    assert again.member_session.member_session_id == session.member_session.member_session_id


def test_only_the_allowed_method_signs_in(client, control, acme, ada, strict):
    strict(auth_methods="RESTRICTED", allowed_auth_methods=["email_otp"])
    answer = linked(client, control, acme)
    assert answer.primary_required.allowed_auth_methods == ["email_otp"]

    client.otps.email.login_or_signup(acme.organization_id, "ada@acme.example")
    done = client.otps.email.authenticate(
        acme.organization_id,
        "ada@acme.example",
        control.mail("ada@acme.example")["code"],
        intermediate_session_token=answer.intermediate_session_token,
    )

    assert done.member_authenticated
    factors = [factor.type.value for factor in done.member_session.authentication_factors]
    assert factors == ["magic_link", "email_otp"]


def test_break_glass_member_signs_in_with_any_method(client, control, acme, ada, strict):
    strict(auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
    client.organizations.members.update(acme.organization_id, ada.member_id, is_breakglass=True)

    assert linked(client, control, acme).member_authenticated


def test_discovery_lists_what_each_organization_requires(client, acme, ada, strict, proven):
    strict(mfa_policy="REQUIRED_FOR_ALL")

    found = proven("ada@acme.example")
    entry = found.discovered_organizations[0]
    assert (entry.member_authenticated, entry.mfa_required is None) == (False, False)

    token = found.intermediate_session_token
    answer = client.discovery.intermediate_sessions.exchange(token, acme.organization_id)
    assert not answer.member_authenticated
    assert answer.intermediate_session_token == token


def test_exchange_into_a_stricter_organization_requires_its_factor(client, acme, ada, signed_in):
    other = client.organizations.create("Two", mfa_policy="REQUIRED_FOR_ALL").organization
    client.organizations.members.create(other.organization_id, "ada@acme.example")
    session = signed_in(acme.organization_id, "ada@acme.example")

    answer = client.sessions.exchange(other.organization_id, session_token=session.session_token)

    assert answer.mfa_required is not None
    assert answer.session_jwt == ""
