"""What the SDK and its transport raise is one of three failures, and a half sign-in is a Problem."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import requests
import urllib3
from stytch.b2b.models.mfa import MemberOptions
from stytch.b2b.models.mfa import MfaRequired as StytchMfa
from stytch.b2b.models.sessions import PrimaryRequired
from stytch.core.response_base import StytchError, StytchErrorDetails

from identity import errors
from identity.directories.stytch import parse
from identity.directories.stytch.errors import translate_errors
from identity.directories.types import Connection, Proof
from kit.errors import TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable

OPEN_SETTINGS = {
    "email_allowed_domains": [],
    "email_invites": "ALL_ALLOWED",
    "email_jit_provisioning": "NOT_ALLOWED",
    "auth_methods": "ALL_ALLOWED",
    "allowed_auth_methods": [],
    "mfa_policy": "OPTIONAL",
    "mfa_methods": "ALL_ALLOWED",
    "allowed_mfa_methods": [],
}
NOW = None  # a half sign-in never asks for the time


def stytch_error(status, code):
    return StytchError(
        StytchErrorDetails(
            status_code=status, request_id="r", error_type=code, error_message="a secret"
        )
    )


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "duplicate_member_email", VendorRejected),
        (404, "member_not_found", VendorNotFound),
        (429, "too_many_requests", TooManyRequests),
        (500, "internal_server_error", VendorUnavailable),
        (401, "unauthorized_credentials", VendorUnavailable),
        (401, "unable_to_auth_magic_link", VendorRejected),
    ],
)
def test_stytchs_errors_are_three(status, code, expected):
    with pytest.raises(expected) as raised, translate_errors():
        raise stytch_error(status, code)

    assert "a secret" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("failure", "is_known"),
    [
        (requests.ConnectTimeout(), True),
        (requests.ReadTimeout(), False),
        (requests.ConnectionError("reset"), False),
        (
            requests.ConnectionError(
                urllib3.exceptions.MaxRetryError(
                    None, "/", urllib3.exceptions.NewConnectionError(None, "refused")
                )
            ),
            True,
        ),
    ],
)
def test_outcome_is_known_only_if_nothing_was_sent(failure, is_known):
    with pytest.raises(VendorUnavailable) as raised, translate_errors():
        raise failure

    assert raised.value.outcome_known is is_known


def half(**settings):
    organization = SimpleNamespace(
        organization_id="organization-test-1",
        organization_name="Acme",
        updated_at=None,
        organization_slug="acme",
        sso_active_connections=[],
        **OPEN_SETTINGS | settings,
    )
    return SimpleNamespace(
        organization=organization,
        member=SimpleNamespace(member_id="member-test-1", mfa_phone_number_verified=True),
        member_authenticated=False,
        member_session=None,
        intermediate_session_token="ist",
        mfa_required=None,
        primary_required=None,
    )


@pytest.mark.parametrize(
    ("phone", "app", "methods"),
    [
        ("", "totp-1", ("totp", "recovery")),
        ("+15005550006", "", ("sms",)),
        ("+15005550006", "totp-1", ("sms", "totp", "recovery")),
    ],
)
def test_missing_second_factor_names_the_enrolled_methods(phone, app, methods):
    answer = half()
    options = MemberOptions(mfa_phone_number=phone, totp_registration_id=app)
    answer.mfa_required = StytchMfa(member_options=options, secondary_auth_initiated="sms_otp")

    missing = parse.parse_sign_in(answer, NOW)

    assert (missing.methods, missing.enrolled, missing.code_sent) == (methods, True, True)
    assert (missing.intermediate_session_token, missing.stytch_member_id) == (
        "ist",
        "member-test-1",
    )


@pytest.mark.parametrize(
    ("settings", "methods"),
    [
        ({}, ("totp", "sms")),
        ({"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp"]}, ("sms",)),
    ],
)
def test_missing_second_factor_names_the_methods_to_set_up(settings, methods):
    answer = half(**settings)
    answer.mfa_required = StytchMfa(member_options=None)

    missing = parse.parse_sign_in(answer, NOW)

    assert (missing.methods, missing.enrolled, missing.code_sent) == (methods, False, False)


def test_other_primary_factor_names_what_the_organization_allows():
    answer = half()
    answer.organization.sso_active_connections = [
        SimpleNamespace(connection_id="oidc-connection-test-1", display_name="Okta")
    ]
    answer.primary_required = PrimaryRequired(allowed_auth_methods=["sso"])

    missing = parse.parse_sign_in(answer, NOW)

    assert missing.methods == ("sso",)
    assert missing.connections == (Connection(id="oidc-connection-test-1", name="Okta"),)


def test_second_factor_without_a_session_is_an_unreadable_answer():
    with pytest.raises(VendorUnavailable):
        parse.parse_finished_sign_in(half(), NOW)


@pytest.mark.parametrize(
    ("factors", "covers"),
    [
        ([{"type": "magic_link", "delivery_method": "email",
           "email_factor": {"email_address": "Ada@Acme.example"}}], True),
        ([{"type": "email_otp", "delivery_method": "email",
           "email_factor": {"email_address": "bob@acme.example"}}], False),
        # https://stytch.com/docs/b2b/api/session-object: an OAuth factor names no address.
        ([{"type": "oauth", "delivery_method": "oauth_google"}], False),
        ([{"type": "sso", "delivery_method": "sso_saml"}], False),
        ([{"type": "sso"}, {"type": "oauth"}], False),
        ([{"type": "totp", "delivery_method": "authenticator_app"}], False),
        ([{"type": "a kind of next year"}], False),
        ([{"type": "magic_link", "delivery_method": "email",
           "email_factor": {"email_address": "ada@acme.example"}}, {"type": "impersonated"}], False),
        ([], False),
    ],
)  # fmt: skip
def test_session_proves_the_address_of_an_email_factor_only(factors, covers):
    assert Proof.from_factors(factors).covers("ada@acme.example") is covers


@pytest.mark.parametrize(
    ("time", "since", "covers"),
    [
        ("2026-11-25T12:00:00Z", None, True),
        ("2026-11-25T12:00:00Z", datetime(2026, 11, 25, 12, 0, 0, 900_000, UTC), True),
        ("2026-11-25T12:00:00Z", datetime(2026, 11, 25, 12, 0, 1, tzinfo=UTC), False),
        (None, None, True),
        (None, datetime(2026, 11, 25, 12, 0, tzinfo=UTC), False),
    ],
)
def test_email_factor_proves_no_address_written_after_it(time, since, covers):
    factor = {
        "type": "email_otp",
        "delivery_method": "email",
        "email_factor": {"email_address": "ada@acme.example"},
        "last_authenticated_at": time,
    }

    assert Proof.from_factors([factor]).covers("ada@acme.example", since=since) is covers


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("organization_slug_already_used", 409, "slug_taken"),
        ("duplicate_member_email", 409, "already_member"),
        ("invalid_email_for_invites", 409, "invitations_not_allowed"),
        ("unable_to_auth_magic_link", 401, "invalid_sign_in"),
        ("invalid_email", 400, "malformed"),
        ("something_new", 409, "directory_refused"),
    ],
)
def test_stytchs_words_become_ours(code, status, ours):
    problem = errors.translate_refusal(VendorRejected("stytch", code=code))

    assert (problem.status, problem.code) == (status, ours)
