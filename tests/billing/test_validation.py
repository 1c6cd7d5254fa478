"""Validate signatures and redirect URLs."""

import hashlib
import hmac

import pytest

from billing.providers.stripe.webhooks import signed_at
from kit.redirects import is_allowed

SECRET = "whsec_test"
ORIGINS = ("https://app.example", "http://127.0.0.1:8600")


def build_v1_signature(body, at=1_000, secret=SECRET):
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_signature_returns_its_time():
    assert signed_at(b"{}", f"t=1000,v1={build_v1_signature(b'{}')}", SECRET) == 1_000


def test_one_of_two_signatures_is_enough_while_a_secret_rotates():
    header = f"t=1000,v1={build_v1_signature(b'{}', secret='old')},v1={build_v1_signature(b'{}')}"

    assert signed_at(b"{}", header, SECRET) == 1_000


@pytest.mark.parametrize(
    "header",
    [
        "",
        "junk",
        "t=1000",
        f"t=1000,v0={build_v1_signature(b'{}')}",
        f"t=1001,v1={build_v1_signature(b'{}')}",
        f"t=1000,v1={build_v1_signature(b'[]')}",
        f"t=-1000,v1={build_v1_signature(b'{}')}",
        f"t=1000,t=1000,v1={build_v1_signature(b'{}')}",
        "t=1000,v1=é",
        f"t=\N{SUPERSCRIPT TWO}000,v1={build_v1_signature(b'{}')}",
    ],
)
def test_invalid_signature_returns_none(header):
    assert signed_at(b"{}", header, SECRET) is None


def test_empty_secret_signs_nothing():
    assert signed_at(b"{}", f"t=1000,v1={build_v1_signature(b'{}', secret='')}", "") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/billing?session_id={CHECKOUT_SESSION_ID}",
        "https://APP.example/x#y",
        "http://127.0.0.1:8600/landing",
    ],
)
def test_configured_front_end_is_allowed(url):
    assert is_allowed(url, ORIGINS)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/billing",
        "//app.example/x",
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil.example",
        "https://evil.example/https://app.example",
        "https://app.example@evil.example",
        "https://app.example\\@evil.example",
        "https://app.example\t.evil.example",
        "https://app.example:x/",
        "https://app.example:0/",
        "https://[broken/",
        "javascript:alert(1)//https://app.example",
        "http://127.0.0.1:86001/",
    ],
)
def test_other_redirect_is_not_allowed(url):
    assert not is_allowed(url, ORIGINS)
