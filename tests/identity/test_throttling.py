"""Sign-in mail and code checks are limited per mailbox and per client address."""

import secrets
from datetime import timedelta

import pytest
from django.conf import settings as product
from django.db import connection
from django.utils import timezone

from identity.models import AttemptCounter
from identity.services import throttling
from identity.tasks import delete_expired_attempt_counters
from kit import caller
from kit.addresses import normalize_email
from kit.errors import TooManyRequests
from tests.billing.support import together

MAIL, CODE = throttling.MAIL_PER_MAILBOX, throttling.CODE_PER_MAILBOX


def mailbox():
    return f"eve-{secrets.token_hex(4)}@limits.example"


@pytest.fixture
def used_up(committed):
    """Use up the attempts of a mailbox, as so many requests would."""

    def fill(limit, email, *, left=0):
        AttemptCounter.objects.create(
            scope=limit.scope,
            digest=throttling.compute_digest(limit, normalize_email(email)),
            attempts=getattr(product, limit.setting) - left,
            expires_at=timezone.now() + timedelta(minutes=10),
        )

    return fill


@pytest.mark.parametrize("path", ["magic-links", "otp/send"])
def test_mail_beyond_the_limit_of_a_mailbox_is_refused_before_stytch_is_asked(
    api, sandbox, used_up, path
):
    email = mailbox()
    used_up(MAIL, email, left=1)
    send = lambda address: api.post(f"/v1/auth/{path}", json={"email": address})  # noqa: E731

    assert send(email).status_code == 202
    refused = send(email.upper())

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1


def test_right_code_is_refused_after_too_many_wrong_ones(api, sandbox, used_up):
    email = mailbox()
    api.post("/v1/auth/otp/send", json={"email": email})
    code = sandbox.mail(email)["code"]
    used_up(CODE, email, left=1)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    check = lambda text: api.post("/v1/auth/otp/verify", json={"email": email, "code": text})  # noqa: E731

    assert check(wrong).status_code == 401
    assert check(code).status_code == 429


def test_invitation_mail_is_counted_with_the_mail_to_its_mailbox(api, company, used_up):
    email = company.address(f"new-{secrets.token_hex(3)}")
    body = {"email": email, "role": "viewer"}
    invite = lambda: api.post(f"{company.path}/invitations", token=company.admin.token, json=body)  # noqa: E731
    made = invite().json()
    AttemptCounter.objects.filter(
        digest=throttling.compute_digest(MAIL, normalize_email(email))
    ).update(attempts=product.SIGN_IN_RATE_PER_MAILBOX)

    again = api.post(f"{company.path}/invitations/{made['id']}/resend", token=company.admin.token)

    assert again.status_code == 429
    assert api.get(f"{company.path}/invitations/{made['id']}", token=company.admin.token).json()


@pytest.mark.django_db
def test_client_address_has_a_limit_of_its_own(settings):
    settings.SIGN_IN_RATE_PER_CLIENT_ADDRESS = 3
    with caller.use(caller.Caller(ip="192.0.2.1")):
        for _ in range(3):
            throttling.count_sign_in_mail(email=mailbox())
        with pytest.raises(TooManyRequests):
            throttling.count_sign_in_mail(email=mailbox())
    with caller.use(caller.Caller(ip="192.0.2.2")):
        throttling.count_sign_in_mail(email=mailbox())


@pytest.mark.django_db
def test_client_that_is_refused_uses_up_no_mailbox(settings):
    settings.SIGN_IN_RATE_PER_CLIENT_ADDRESS = settings.SIGN_IN_RATE_PER_MAILBOX = 1
    email = mailbox()
    with caller.use(caller.Caller(ip="192.0.2.1")):
        throttling.count_sign_in_mail(email=mailbox())
        with pytest.raises(TooManyRequests):
            throttling.count_sign_in_mail(email=email)

    with caller.use(caller.Caller(ip="192.0.2.2")):
        throttling.count_sign_in_mail(email=email)


@pytest.mark.django_db
def test_attempts_count_anew_after_the_window(settings):
    settings.SIGN_IN_RATE_PER_MAILBOX = 1
    throttling.count(MAIL, "a@limits.example")
    AttemptCounter.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    throttling.count(MAIL, "a@limits.example")

    with pytest.raises(TooManyRequests):
        throttling.count(MAIL, "a@limits.example")


def test_limit_is_exact_over_connections(committed, settings):
    settings.SIGN_IN_RATE_PER_MAILBOX = 5
    subject = mailbox()

    def attempt():
        try:
            throttling.count(MAIL, subject)
        except TooManyRequests:
            return False
        return True

    assert sum(together(*[attempt] * 8)) == 5


@pytest.mark.parametrize(
    ("ip", "normal"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")],
)
def test_ipv6_is_counted_by_network(ip, normal):
    assert throttling.normalize_client(ip) == normal


@pytest.mark.django_db
def test_counters_are_deleted_when_their_window_has_ended():
    throttling.count(MAIL, "old@limits.example")
    AttemptCounter.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    throttling.count(MAIL, "new@limits.example")

    delete_expired_attempt_counters()

    assert AttemptCounter.objects.count() == 1


@pytest.mark.django_db
def test_table_of_counters_is_unlogged():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence FROM pg_class WHERE oid = 'identity_attemptcounter'::regclass"
        )
        assert cursor.fetchone() == ("u",)
