"""Sign-in mail and code checks are limited per mailbox and per client address."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client

from identity import rate_limits
from identity.models import AttemptCounter
from identity.roles import Role
from identity.services import bulk_invitations, invitations
from identity.tasks import delete_expired_attempt_counters
from kit.errors import TooManyRequests
from kit.ids import uuid7
from tenancy import locks
from tenancy.models import Organization

MAIL_CALLS = ["magic-links", "otp/send"]

pytestmark = pytest.mark.usefixtures("stack", "committed")


def address():
    return f"eve-{secrets.token_hex(4)}@limits.example"


def network():
    """A random IPv6 /64 network, without its last part."""
    words = (secrets.token_hex(2) for _ in range(2))
    return "2001:db8:" + ":".join(words)


def counter(limit, subject):
    digest = rate_limits.compute_digest(limit, subject)
    return AttemptCounter.objects.filter(scope=limit.scope, digest=digest)


@pytest.fixture
def low_limits(settings):
    """Three attempts per mailbox; more per client address than any test makes."""
    settings.SIGN_IN_RATE_PER_MAILBOX = 3
    settings.SIGN_IN_RATE_PER_CLIENT_ADDRESS = 1000
    return settings


@pytest.fixture
def visit(low_limits):
    """Call the API from a client address, by default from one that no other call has used."""

    def post(call, *, ip=None, session="", **body):
        client = Client(REMOTE_ADDR=ip or f"{network()}::1")
        headers = {"authorization": f"Bearer {session}"} if session else {}
        path = call if call.startswith("/") else f"/v1/auth/{call}"
        return client.post(path, body, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def mailed_code(visit, sandbox):
    def send(email):
        assert visit("otp/send", email=email).status_code == 202
        return sandbox.mail(email, "otp")["code"]

    return send


def is_limited(answer):
    return (answer.status_code, answer.json().get("code")) == (429, "too_many_requests")


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.mark.parametrize("call", MAIL_CALLS)
def test_mail_to_one_mailbox_is_limited(visit, sandbox, call):
    email = address()

    answers = [visit(call, email=email) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert is_limited(answers[-1])
    assert 0 < int(answers[-1].headers["Retry-After"]) <= rate_limits.WINDOW_SECONDS
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 3


def test_links_and_codes_to_one_mailbox_are_counted_together(visit):
    email = address()

    answers = [visit(call, email=email) for call in MAIL_CALLS * 2]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


def test_known_and_unknown_mailboxes_are_limited_alike(visit, new_organization):
    known = new_organization.address("ada")
    counter(rate_limits.MAIL_PER_MAILBOX, known).delete()  # she has signed up by mail

    def ask(email):
        answers = [visit("magic-links", email=email) for _ in range(4)]
        last = answers[-1].json()
        return [answer.status_code for answer in answers], last["code"], last["detail"]

    assert ask(known) == ask(address())


def test_spellings_of_one_mailbox_are_counted_together(visit):
    name = secrets.token_hex(4)
    spellings = [
        f"eve@b\u00fccher-{name}.example",
        f"EVE@B\u00dcCHER-{name}.example",
        f"eve@bu\u0308cher-{name}.example",
        "eve@" + f"b\u00fccher-{name}".encode("idna").decode() + ".example",
    ]

    for spelling in spellings[:3]:
        rate_limits.count_sign_in_mail(email=spelling)

    with pytest.raises(TooManyRequests):
        rate_limits.count_sign_in_mail(email=spellings[3])


def test_tags_name_mailboxes_of_their_own(visit):
    name = secrets.token_hex(4)

    answers = [visit("magic-links", email=f"{name}+{n}@limits.example") for n in range(4)]

    assert {answer.status_code for answer in answers} == {202}


def test_right_code_is_accepted_within_the_limit(visit, mailed_code):
    email = address()
    code = mailed_code(email)

    answers = [visit("otp/verify", email=email, code=each) for each in [wrong(code)] * 2 + [code]]

    assert [answer.status_code for answer in answers] == [401, 401, 200]


def test_right_code_is_refused_after_wrong_ones_until_the_window_ends(visit, mailed_code):
    email = address()
    code = mailed_code(email)
    for _ in range(3):
        assert visit("otp/verify", email=email, code=wrong(code)).status_code == 401

    assert is_limited(visit("otp/verify", email=email, code=code))

    counter(rate_limits.CODE_PER_MAILBOX, email).update(expires_at=Now())
    assert visit("otp/verify", email=email, code=code).status_code == 200


def test_mail_still_signs_in_after_too_many_wrong_codes(visit, sandbox):
    email = address()
    for _ in range(4):
        visit("otp/verify", email=email, code="000000")

    assert visit("magic-links", email=email).status_code == 202
    token = sandbox.mailed_token(email, "discovery")
    assert visit("discovery", token=token).status_code == 200


@pytest.mark.parametrize(
    ("call", "body"), [*((call, {}) for call in MAIL_CALLS), ("otp/verify", {"code": "000000"})]
)
def test_one_client_address_is_limited_over_all_mailboxes(low_limits, visit, call, body):
    low_limits.SIGN_IN_RATE_PER_CLIENT_ADDRESS = 2
    ip = f"{network()}::1"

    answers = [visit(call, ip=ip, email=address(), **body) for _ in range(3)]

    assert [is_limited(answer) for answer in answers] == [False, False, True]
    assert not is_limited(visit(call, email=address(), **body))


def test_addresses_of_one_ipv6_network_are_counted_together(low_limits, visit):
    low_limits.SIGN_IN_RATE_PER_CLIENT_ADDRESS = 2
    site = network()
    hosts = [f"{site}::1", f"{site}:ffff::2", f"{site}:1:2:3:4"]

    answers = [visit("magic-links", ip=ip, email=address()) for ip in hosts]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert visit("magic-links", email=address()).status_code == 202


def test_what_a_client_is_refused_does_not_use_up_a_mailbox(low_limits, visit):
    low_limits.SIGN_IN_RATE_PER_CLIENT_ADDRESS = 1
    ip, email = f"{network()}::1", address()
    visit("magic-links", ip=ip, email=address())

    refused = [visit("magic-links", ip=ip, email=email) for _ in range(4)]

    assert all(is_limited(answer) for answer in refused)
    assert visit("magic-links", email=email).status_code == 202


def test_limit_is_exact_when_many_connections_count_at_once(low_limits):
    low_limits.SIGN_IN_RATE_PER_MAILBOX = 20
    email = address()

    def count_ten(_):
        allowed = 0
        try:
            for _ in range(10):
                try:
                    rate_limits.count_sign_in_mail(email=email)
                    allowed += 1
                except TooManyRequests:
                    pass
        finally:
            connection.close()
        return allowed

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(count_ten, range(6))) == 20


def test_web_server_counts_in_the_shared_table(api):
    email = address()
    assert api.post("/v1/auth/magic-links", json={"email": email}).status_code == 202
    counters = counter(rate_limits.MAIL_PER_MAILBOX, email)
    assert counters.get().attempts == 1

    counters.update(attempts=configured.SIGN_IN_RATE_PER_MAILBOX)

    assert is_limited(api.post("/v1/auth/magic-links", json={"email": email}))


def test_sending_an_invitation_again_is_limited(visit, new_organization, sandbox):
    email = new_organization.address("new")
    invitations, token = f"{new_organization.path}/invitations", new_organization.admin.token
    made = visit(invitations, session=token, email=email, role="member").json()

    resend = f"{invitations}/{made['id']}/resend"
    answers = [visit(resend, session=token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 3


def test_inviting_and_revoking_in_turns_is_limited(visit, api, new_organization):
    email, statuses = new_organization.address("new"), []
    invitations, token = f"{new_organization.path}/invitations", new_organization.admin.token

    for _ in range(4):
        made = visit(invitations, session=token, email=email, role="member")
        statuses.append(made.status_code)
        if made.status_code == 201:
            api.delete(f"{invitations}/{made.json()['id']}", token=token)

    assert statuses == [201, 201, 201, 429]


def test_refused_invitation_is_not_counted(visit, new_organization):
    email = new_organization.address("vic")
    invitations, token = f"{new_organization.path}/invitations", new_organization.admin.token

    answers = [visit(invitations, session=token, email=email, role="member") for _ in range(4)]

    assert {answer.json()["code"] for answer in answers} == {"already_member"}


def test_expired_counters_are_deleted(low_limits):
    old, new = address(), address()
    for email in (old, new):
        rate_limits.count_invitation_mail(email=email)
    counter(rate_limits.MAIL_PER_MAILBOX, old).update(expires_at=Now() - timedelta(seconds=1))

    delete_expired_attempt_counters()

    assert not counter(rate_limits.MAIL_PER_MAILBOX, old).exists()
    assert counter(rate_limits.MAIL_PER_MAILBOX, new).exists()


def test_counters_are_unlogged_and_hold_no_addresses(low_limits):
    name = uuid7().hex
    rate_limits.count_invitation_mail(email=f"{name}@limits.example")

    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = %s", [table()])
        persistence = cursor.fetchone()[0]
        cursor.execute(f"SELECT t::text FROM {table()} t")
        rows = [row for (row,) in cursor.fetchall()]

    assert persistence == "u"
    assert rows
    assert not any(name in row or name.encode().hex() in row for row in rows)


def table():
    return AttemptCounter._meta.db_table


def test_bulk_invitation_to_a_limited_mailbox_waits(new_organization, committed, settings):
    settings.SIGN_IN_RATE_PER_MAILBOX = 1
    organization = Organization.objects.get(pk=new_organization.id)
    email = new_organization.address(f"new-{uuid7().hex[-8:]}")
    rate_limits.count_invitation_mail(email=email)
    with transaction.atomic():
        change = invitations.prepare_invitation(
            locks.lock_organization(organization.pk), email=email, role=Role.VIEWER
        )

    with pytest.raises(TooManyRequests):
        bulk_invitations.send_queued_invitation(change.pk)

    change.refresh_from_db()
    assert change.state == "open"
