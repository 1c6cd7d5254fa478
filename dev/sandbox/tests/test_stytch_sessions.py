"""Sessions, tokens and permissions, through the real SDK and its own verification."""

import time

import jwt
import pytest
from stytch.b2b.models import organizations, organizations_members
from stytch.b2b.models.sessions import AuthorizationCheck
from stytch.shared.method_options import Authorization

from sandbox.tests.support import refused


@pytest.fixture
def session(signed_in, acme, ada):
    return signed_in("acme", "ada@acme.example")


def test_session_is_proven_by_token_and_by_jwt(client, session, ada):
    by_token = client.sessions.authenticate(session_token=session.session_token)
    by_jwt = client.sessions.authenticate(session_jwt=session.session_jwt)

    assert by_token.member_session.member_session_id == session.member_session.member_session_id
    assert (by_jwt.member.member_id, by_jwt.session_token) == (ada.member_id, session.session_token)


def test_exactly_one_proof_is_wanted(client, session):
    with refused("too_many_session_arguments", 400):
        client.sessions.authenticate(
            session_token=session.session_token, session_jwt=session.session_jwt
        )
    with refused("no_session_arguments", 400):
        client.sessions.authenticate()
    with refused("unable_to_parse_session_jwt", 400):
        client.sessions.authenticate(session_jwt="a.b.c")


def test_jwt_is_verified_by_the_sdk_over_the_published_keys(client, session, acme, ada):
    local = client.sessions.authenticate_jwt_local(session.session_jwt)

    assert local.member_id == ada.member_id
    assert local.organization_id == acme.organization_id
    assert local.roles == ["stytch_member", "stytch_admin"]


def test_jwt_lives_three_hundred_real_seconds(client, session):
    claims = jwt.decode(session.session_jwt, options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == 300
    assert claims["iat"] <= time.time() < claims["exp"]


def test_fresh_jwt_is_valid_in_real_time_after_the_clock_moved(client, control, session):
    control.advance(minutes=30)

    fresh = client.sessions.authenticate(session_token=session.session_token).session_jwt

    assert client.sessions.authenticate_jwt_local(fresh) is not None


def test_expired_jwt_of_a_live_session_is_exchanged_for_a_fresh_one(client, control, session, ada):
    past = int(time.time()) - 1000
    old = control.post(
        "/stytch/tokens",
        member_id=ada.member_id,
        claims={"iat": past, "nbf": past, "exp": past + 300},
    )["token"]

    answer = client.sessions.authenticate(session_jwt=old)

    assert client.sessions.authenticate_jwt_local(old) is None
    assert client.sessions.authenticate_jwt_local(answer.session_jwt) is not None


def test_session_ends_by_the_sandbox_clock_unless_extended(client, control, session):
    control.advance(minutes=50)
    client.sessions.authenticate(session_token=session.session_token)
    client.sessions.authenticate(session_token=session.session_token, session_duration_minutes=60)
    control.advance(minutes=50)
    assert client.sessions.authenticate(session_token=session.session_token).status_code == 200

    control.advance(minutes=11)

    with refused("session_not_found", 404):
        client.sessions.authenticate(session_token=session.session_token)


@pytest.mark.parametrize("minutes", [4, 527_041])
def test_length_of_a_session_has_bounds(client, session, minutes):
    with refused("invalid_session_duration", 400):
        client.sessions.authenticate(
            session_token=session.session_token, session_duration_minutes=minutes
        )


def test_custom_claims_reach_the_token_but_reserved_ones_do_not(client, session):
    answer = client.sessions.authenticate(
        session_token=session.session_token, session_custom_claims={"plan": "pro", "sub": "x"}
    )

    assert answer.member_session.custom_claims == {"plan": "pro"}
    assert client.sessions.authenticate_jwt_local(answer.session_jwt).custom_claims == {
        "plan": "pro"
    }


@pytest.mark.parametrize("name", ["session_token", "session_jwt", "member_session_id", "member_id"])
def test_session_is_revoked_by_each_of_its_names(client, session, name):
    names = {
        "member_session_id": session.member_session.member_session_id,
        "member_id": session.member_id,
    }
    names |= {"session_token": session.session_token, "session_jwt": session.session_jwt}

    client.sessions.revoke(**{name: names[name]})

    with refused("session_not_found", 404):
        client.sessions.authenticate(session_token=session.session_token)


def test_live_sessions_of_a_member_are_listed(client, session, signed_in, acme, ada):
    signed_in("acme", "ada@acme.example")

    listed = client.sessions.get(acme.organization_id, ada.member_id).member_sessions

    assert len(listed) == 2


def test_deleting_a_member_ends_the_sessions(client, session, ada):
    client.organizations.members.delete("acme", ada.member_id)

    with refused("session_not_found", 404):
        client.sessions.authenticate(session_token=session.session_token)


def test_deleting_the_organization_ends_the_sessions(client, session, acme):
    client.organizations.delete(acme.organization_id)

    with refused("session_not_found", 404):
        client.sessions.authenticate(session_token=session.session_token)


def test_exchange_enters_another_organization_and_accepts_its_invitation(client, session):
    client.organizations.create("Other", organization_slug="other")
    client.magic_links.email.invite("other", "ada@acme.example")

    answer = client.sessions.exchange("other", session_token=session.session_token)

    assert answer.organization.organization_slug == "other"
    assert answer.member.status == "active"
    assert answer.session_token != session.session_token


def test_exchange_never_joins_by_domain(client, session):
    client.organizations.create(
        "Open",
        organization_slug="open",
        email_jit_provisioning="RESTRICTED",
        email_allowed_domains=["acme.example"],
    )

    with refused("member_does_not_exist_in_organization", 404):
        client.sessions.exchange("open", session_token=session.session_token)


def test_second_factor_joins_the_running_session(client, control, session):
    client.otps.email.login_or_signup("acme", "ada@acme.example")
    code = control.mail("ada@acme.example")["code"]

    answer = client.otps.email.authenticate(
        "acme", "ada@acme.example", code, session_token=session.session_token
    )

    assert answer.session_token == session.session_token
    factors = {factor.type.value for factor in answer.member_session.authentication_factors}
    assert factors == {"magic_link", "email_otp"}


def test_rotation_publishes_two_keys_and_old_tokens_stay_valid(client, control, session):
    before = client.sessions.get_jwks(client.sessions.project_id).keys
    control.post("/stytch/keys/rotate")

    after = client.sessions.get_jwks(client.sessions.project_id).keys
    fresh = client.sessions.authenticate(session_jwt=session.session_jwt)

    assert before[-1].kid in {key.kid for key in after}
    assert len(after) == 2
    assert jwt.get_unverified_header(fresh.session_jwt)["kid"] == after[-1].kid


def test_reset_keeps_the_keys(client, control):
    before = client.sessions.get_jwks(client.sessions.project_id).keys

    assert "signing keys" in control.post("/reset")["kept"][0]

    assert client.sessions.get_jwks(client.sessions.project_id).keys == before


def test_verdict_names_the_roles_that_grant(client, session, acme):
    check = {
        "organization_id": acme.organization_id,
        "resource_id": "stytch.member",
        "action": "create",
    }

    answer = client.sessions.authenticate(
        session_token=session.session_token, authorization_check=check
    )

    assert answer.verdict.granting_roles == ["stytch_admin"]


def test_check_refuses_a_weak_role_and_another_organization(client, session, acme, ada):
    other = client.organizations.create("Other").organization
    client.organizations.members.update("acme", ada.member_id, roles=[])
    check = {
        "organization_id": acme.organization_id,
        "resource_id": "stytch.member",
        "action": "create",
    }

    with refused("session_authorization_error", 403):
        client.sessions.authenticate(session_token=session.session_token, authorization_check=check)
    with refused("session_authorization_tenancy_error", 403):
        client.sessions.authenticate(
            session_token=session.session_token,
            authorization_check=check | {"organization_id": other.organization_id},
        )


def test_local_check_works_over_both_policies(client, session, acme):
    check = AuthorizationCheck(
        organization_id=acme.organization_id, resource_id="stytch.member", action="create"
    )

    assert client.sessions.authenticate_jwt_local(session.session_jwt, authorization_check=check)


# Calls in a member's name


def acting(session):
    return Authorization(session_token=session.session_token)


def test_admin_may_and_a_plain_member_may_not(client, acme, session, signed_in):
    client.organizations.members.create("acme", "bob@acme.example")
    bob = signed_in("acme", "bob@acme.example")
    options = organizations_members.CreateRequestOptions

    made = client.organizations.members.create(
        "acme", "eve@acme.example", method_options=options(authorization=acting(session))
    )

    assert made.status_code == 200
    with refused("session_authorization_error", 403):
        client.organizations.members.create(
            "acme", "mal@acme.example", method_options=options(authorization=acting(bob))
        )


def test_member_may_change_the_own_name_but_not_the_own_roles(client, acme, session, signed_in):
    bob_id = client.organizations.members.create("acme", "bob@acme.example").member_id
    bob = signed_in("acme", "bob@acme.example")
    options = organizations_members.UpdateRequestOptions(authorization=acting(bob))
    update = client.organizations.members.update

    assert update("acme", bob_id, name="Bob", method_options=options).member.name == "Bob"
    with refused("session_authorization_error", 403):
        update("acme", bob_id, roles=["stytch_admin"], method_options=options)
    with refused("session_authorization_error", 403):
        update("acme", session.member_id, name="Not Ada", method_options=options)


def test_admin_of_one_organization_has_no_rights_in_another(client, session):
    client.organizations.create("Other", organization_slug="other")
    options = organizations.UpdateRequestOptions(
        authorization=Authorization(session_jwt=session.session_jwt)
    )

    with refused("session_authorization_tenancy_error", 403):
        client.organizations.update("other", organization_name="Mine", method_options=options)


# Tokens made to order


def test_made_to_order_tokens_are_valid_by_default(client, control, session, ada):
    made = control.post("/stytch/tokens", member_id=ada.member_id)["token"]
    named = control.post(
        "/stytch/tokens", member_session_id=session.member_session.member_session_id
    )
    foreign_token = control.post("/stytch/tokens", claims={"sub": "member-test-x"})["token"]

    assert client.sessions.authenticate_jwt_local(made).member_id == ada.member_id
    assert client.sessions.authenticate_jwt_local(named["token"]).member_id == ada.member_id
    assert client.sessions.authenticate_jwt_local(foreign_token).member_id == "member-test-x"


@pytest.mark.parametrize(
    "order",
    [
        {"claims": {"exp": 1}},
        {"claims": {"aud": ["project-test-other"]}},
        {"claims": {"iss": "stytch.com/other"}},
        {"claims": {"nbf": None}},
        {"claims": {"nbf": 9999999999}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"foreign_key": True},
    ],
)
def test_made_to_order_bad_tokens_are_refused_by_the_sdk(client, control, order):
    token = control.post("/stytch/tokens", **order)["token"]

    assert client.sessions.authenticate_jwt_local(token) is None


def test_token_of_an_unknown_key_is_refused_by_the_sdk(client, control):
    token = control.post("/stytch/tokens", header={"kid": "jwk-test-unknown"})["token"]

    with pytest.raises(jwt.PyJWKClientError):
        client.sessions.authenticate_jwt_local(token)
