"""Links, codes, invitations and discovery, through the real SDK and the inbox."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from stytch.core.response_base import StytchError

from sandbox.tests.support import refused


def query(link):
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def test_invited_person_becomes_an_active_member(client, control, acme, ada):
    invited = client.magic_links.email.invite(
        "acme", "bob@acme.example", invited_by_member_id=ada.member_id, name="Bob", roles=["viewer"]
    )
    mail = control.mail("bob@acme.example")

    joined = client.magic_links.authenticate(mail["token"])

    assert (invited.member.status, joined.member.status) == ("invited", "active")
    assert joined.member_id == invited.member_id
    assert {role.role_id for role in joined.member.roles} == {"stytch_member", "viewer"}
    assert joined.member.email_address_verified
    assert joined.member_authenticated
    assert (mail["kind"], mail["subject"]) == ("invite", "Ada invited you to join Acme")


def test_invitation_is_sent_again_to_the_invited_and_refused_for_the_active(
    client, control, acme, ada
):
    first = client.magic_links.email.invite("acme", "bob@acme.example")
    again = client.magic_links.email.invite("acme", "BOB@acme.example", roles=["viewer"])

    assert again.member_id == first.member_id
    assert len(control.mails("bob@acme.example")) == 2
    with refused("duplicate_member_email", 400):
        client.magic_links.email.invite("acme", "ada@acme.example")


def test_pending_member_becomes_invited(client, acme):
    client.organizations.members.create("acme", "bob@acme.example", create_member_as_pending=True)

    assert client.magic_links.email.invite("acme", "bob@acme.example").member.status == "invited"


def test_settings_close_invitations(client, acme):
    client.organizations.update(
        "acme", email_invites="RESTRICTED", email_allowed_domains=["acme.example"]
    )

    assert client.magic_links.email.invite("acme", "bob@acme.example").status_code == 200
    with refused("invalid_email_for_invites", 400):
        client.magic_links.email.invite("acme", "bob@elsewhere.example")
    client.organizations.update("acme", email_invites="NOT_ALLOWED")
    with refused("invalid_email_for_invites", 400):
        client.magic_links.email.invite("acme", "eve@acme.example")


def test_deleting_the_invited_kills_the_link(client, control, acme):
    invited = client.magic_links.email.invite("acme", "bob@acme.example")

    client.organizations.members.delete("acme", invited.member_id)

    with refused("unable_to_auth_magic_link", 401):
        client.magic_links.authenticate(control.mail("bob@acme.example")["token"])


def test_link_works_once(client, control, acme, ada, signed_in):
    signed_in("acme", "ada@acme.example")

    with refused("unable_to_auth_magic_link", 401):
        client.magic_links.authenticate(control.mail("ada@acme.example")["token"])


@pytest.mark.parametrize(
    ("send", "days", "minutes"),
    [("invite", 7, 0), ("login_or_signup", 0, 60)],
)
def test_link_ends_by_the_sandbox_clock(client, control, acme, send, days, minutes):
    client.organizations.members.create("acme", "bob@acme.example", create_member_as_pending=True)
    for _ in range(2):
        getattr(client.magic_links.email, send)("acme", "bob@acme.example")
    tokens = [mail["token"] for mail in control.mails("bob@acme.example")]

    control.advance(days=days, minutes=minutes - 1)
    assert client.magic_links.authenticate(tokens[0]).status_code == 200
    control.advance(minutes=2)

    with refused("unable_to_auth_magic_link", 401):
        client.magic_links.authenticate(tokens[1])


def test_unknown_token_and_a_token_of_the_other_kind_are_not_found(client, control, acme, ada):
    client.magic_links.email.login_or_signup("acme", "ada@acme.example")
    token = control.mail("ada@acme.example")["token"]

    with refused("magic_link_not_found", 404):
        client.magic_links.authenticate("unheard-of")
    with refused("magic_link_not_found", 404):
        client.magic_links.discovery.authenticate(token)


@pytest.mark.parametrize(
    ("token", "error_type", "status"),
    [
        ("3pzjQpgksDlGKWEwUq2Up--hCHC_0oamfLHyfspKDFU=", "unable_to_auth_magic_link", 401),
        ("CprTtwhnRNiMBiUS2jSLcWYrfuO2POeBNdo5HhW6qTM=", "magic_link_not_found", 404),
    ],
)
def test_stytchs_own_failing_test_tokens_fail_here_too(client, token, error_type, status):
    with refused(error_type, status):
        client.magic_links.authenticate(token)
    with refused(error_type, status):
        client.magic_links.discovery.authenticate(token)


@pytest.mark.parametrize(
    "wrong",
    [
        {"session_duration_minutes": 1},
        {"session_custom_claims": {"fat": "x" * 5000}},
        {"session_token": "unheard-of"},
    ],
)
def test_refused_sign_in_leaves_the_link_usable(client, control, acme, ada, wrong):
    client.magic_links.email.login_or_signup("acme", "ada@acme.example")
    token = control.mail("ada@acme.example")["token"]
    with pytest.raises(StytchError):
        client.magic_links.authenticate(token, **wrong)

    assert client.magic_links.authenticate(token).status_code == 200


def test_unknown_person_signs_up_only_where_the_domain_may_join(client, acme):
    send = client.magic_links.email.login_or_signup
    with refused("email_jit_provisioning_not_allowed", 400):
        send("acme", "eve@acme.example")
    client.organizations.update(
        "acme", email_jit_provisioning="RESTRICTED", email_allowed_domains=["acme.example"]
    )
    with refused("invalid_email_for_jit_provisioning", 400):
        send("acme", "eve@elsewhere.example")

    answer = send("acme", "eve@acme.example")

    assert (answer.member_created, answer.member.status) == (True, "pending")


def test_link_leads_to_the_callers_page_and_keeps_its_query(client, control, acme, ada):
    client.magic_links.email.login_or_signup(
        "acme", "ada@acme.example", login_redirect_url="https://app.example/in?next=%2Fhome#top"
    )

    link = control.mail("ada@acme.example")["link"]

    assert link.startswith("https://app.example/in?")
    assert link.endswith("#top")
    assert query(link)["next"] == "/home"
    assert query(link)["stytch_token_type"] == "multi_tenant_magic_links"


def test_link_leads_to_the_landing_page_when_none_is_named(client, control, served):
    client.magic_links.email.discovery.send("ada@acme.example")

    mail = control.mail("ada@acme.example")

    assert mail["link"].startswith(f"{served.url}/landing?")
    assert query(mail["link"]) == {"stytch_token_type": "discovery", "token": mail["token"]}


def test_link_of_another_device_is_refused(client, control):
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
    client.magic_links.email.discovery.send("ada@acme.example", pkce_code_challenge=challenge)
    token = control.mail("ada@acme.example")["token"]

    with refused("pkce_mismatch", 400):
        client.magic_links.discovery.authenticate(token, pkce_code_verifier="another")
    assert (
        client.magic_links.discovery.authenticate(token, pkce_code_verifier="verifier").status_code
        == 200
    )


def test_discovery_shows_memberships_and_domains_that_may_join(client, control, acme, ada, proven):
    client.organizations.create(
        "Open", email_jit_provisioning="RESTRICTED", email_allowed_domains=["acme.example"]
    )
    client.organizations.create("Closed")
    client.organizations.create("Inviting", organization_slug="inviting")
    client.magic_links.email.invite("inviting", "ada@acme.example")

    found = proven("ada@acme.example")

    kinds = {
        o.organization.organization_name: o.membership.type for o in found.discovered_organizations
    }
    assert kinds == {
        "Acme": "active_member",
        "Inviting": "invited_member",
        "Open": "eligible_to_join_by_email_domain",
    }
    listed = client.discovery.organizations.list(
        intermediate_session_token=found.intermediate_session_token
    )
    assert len(listed.discovered_organizations) == 3


def test_list_with_a_session_leaves_joinable_ones_out(client, acme, ada, signed_in):
    client.organizations.create(
        "Open", email_jit_provisioning="RESTRICTED", email_allowed_domains=["acme.example"]
    )
    session = signed_in("acme", "ada@acme.example")

    listed = client.discovery.organizations.list(session_token=session.session_token)

    assert [o.membership.type for o in listed.discovered_organizations] == ["active_member"]


def test_list_wants_exactly_one_proof(client, control):
    with refused("no_session_arguments", 400):
        client.discovery.organizations.list()
    with refused("too_many_session_arguments", 400):
        client.discovery.organizations.list(session_token="a", session_jwt="b")


def test_founder_becomes_admin_and_the_proof_cannot_be_reused(client, control, proven):
    token = proven("ada@acme.example").intermediate_session_token

    made = client.discovery.organizations.create(
        token, organization_name="Acme", organization_slug="acme", session_duration_minutes=120
    )

    assert made.member.is_admin
    assert made.member.status == "active"
    assert made.member.email_address_verified
    assert made.organization.organization_slug == "acme"
    assert made.member_session.roles == ["stytch_member", "stytch_admin"]
    with refused("intermediate_session_not_found", 404):
        client.discovery.organizations.create(token, organization_name="Again")


@pytest.mark.parametrize(
    ("email", "name"), [("ada@initech.example", "initech"), ("ada@gmail.com", "ada")]
)
def test_founder_may_leave_the_name_to_stytch(client, control, proven, email, name):
    made = client.discovery.organizations.create(proven(email).intermediate_session_token)

    assert made.organization.organization_name == name
    assert made.organization.organization_slug == name


def test_taken_slug_leaves_the_proof_usable(client, acme, proven):
    token = proven("eve@other.example").intermediate_session_token
    with refused("organization_slug_already_used", 400):
        client.discovery.organizations.create(
            token, organization_name="X", organization_slug="acme"
        )

    assert client.discovery.organizations.create(token, organization_name="X").status_code == 200


def test_proof_ends_after_ten_minutes(client, control, proven):
    token = proven("ada@acme.example").intermediate_session_token

    control.advance(minutes=11)

    with refused("intermediate_session_not_found", 404):
        client.discovery.organizations.list(intermediate_session_token=token)


def test_exchange_accepts_an_invitation(client, acme, proven):
    client.magic_links.email.invite("acme", "bob@acme.example")
    token = proven("bob@acme.example").intermediate_session_token

    entered = client.discovery.intermediate_sessions.exchange(token, acme.organization_id)

    assert (entered.member.status, entered.member_authenticated) == ("active", True)
    assert entered.session_jwt


def test_exchange_joins_by_domain_where_allowed(client, acme, proven):
    token = proven("bob@acme.example").intermediate_session_token
    exchange = client.discovery.intermediate_sessions.exchange
    with refused("email_jit_provisioning_not_allowed", 400):
        exchange(token, acme.organization_id)
    client.organizations.update(
        "acme", email_jit_provisioning="RESTRICTED", email_allowed_domains=["ACME.example"]
    )

    assert exchange(token, acme.organization_id).member.email_address == "bob@acme.example"


def test_code_signs_in_once(client, control, acme, ada):
    sent = client.otps.email.login_or_signup("acme", "ada@acme.example")
    code = control.mail("ada@acme.example")["code"]

    answer = client.otps.email.authenticate("acme", "ADA@acme.example", code)

    assert not sent.member_created
    assert answer.member_session.authentication_factors[0].type.value == "email_otp"
    with refused("unable_to_auth_otp_code", 401):
        client.otps.email.authenticate("acme", "ada@acme.example", code)


def test_wrong_replaced_and_expired_codes_are_refused(client, control, acme, ada):
    authenticate = client.otps.email.authenticate
    for _ in range(2):
        client.otps.email.login_or_signup("acme", "ada@acme.example")
    newest, older = [mail["code"] for mail in control.mails("ada@acme.example")]
    wrong = next(code for code in ("000000", "000001", "000002") if code not in {newest, older})

    with refused("otp_code_not_found", 404):
        authenticate("acme", "ada@acme.example", wrong)
    control.advance(minutes=11)
    with refused("unable_to_auth_otp_code", 401):
        authenticate("acme", "ada@acme.example", newest)


def test_code_proves_an_address_for_discovery(client, control, acme, ada):
    client.otps.email.discovery.send("ada@acme.example")
    mail = control.mail("ada@acme.example")

    found = client.otps.email.discovery.authenticate("ada@acme.example", mail["code"])

    assert (mail["kind"], mail["link"]) == ("otp", None)
    assert found.discovered_organizations[0].organization.organization_slug == "acme"


@pytest.mark.parametrize("minutes", [4, 10081])
def test_length_of_an_invitation_has_bounds(client, acme, minutes):
    with refused("invalid_argument", 400):
        client.magic_links.email.invite(
            "acme", "bob@acme.example", invite_expiration_minutes=minutes
        )


def test_second_mail_to_an_address_in_one_window_is_refused(client, control, acme):
    control.post("/stytch/rate-limits", mail_window_seconds=3600)
    client.magic_links.email.discovery.send("ada@acme.example")

    for send in (
        lambda: client.otps.email.discovery.send("ada@acme.example"),
        lambda: client.magic_links.email.invite(acme.organization_id, "ada@acme.example"),
    ):
        with refused("too_many_requests", 429):
            send()
    client.magic_links.email.discovery.send("bob@acme.example")
    control.advance(hours=1)
    client.otps.email.discovery.send("ada@acme.example")
    assert len(control.mails("ada@acme.example")) == 2


def test_limit_of_mails_is_off_by_default(client, control):
    for _ in range(3):
        client.magic_links.email.discovery.send("ada@acme.example")

    assert control.post("/stytch/rate-limits") == {"mail_window_seconds": 1}
