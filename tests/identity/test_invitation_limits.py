"""Invitations are limited per organization and per address, and offer no role above the sender's."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client

from identity import rate_limits, roles
from identity.models import AttemptCounter, PendingChange
from identity.roles import Role
from identity.services import bulk_invitations
from kit import permissions
from kit.errors import TooManyRequests
from kit.permissions import ALL_ROLES, Permission
from tenancy.models import Organization
from tests.harness.locking import waiting_for
from tests.harness.plugin import DATABASE, OWNER_URL, on_database

pytestmark = pytest.mark.usefixtures("stack", "committed")


@pytest.fixture
def low_limits(settings, new_organization):
    """Three invitations of an organization, whose own people are not counted, and two to an address."""
    count_of(new_organization).delete()
    settings.INVITATIONS_PER_ORGANIZATION_PER_DAY = 3
    settings.INVITATIONS_PER_ADDRESS_PER_DAY = 2
    return settings


@pytest.fixture
def call(low_limits):
    """Call the API in this process, whose settings the test has changed."""

    def request(organization, path, *, by="admin", **body):
        headers = {"authorization": f"Bearer {organization.token(by)}"}
        url = f"{organization.path}/invitations{path}"
        return Client().post(url, body, content_type="application/json", headers=headers)

    return request


def count_of(organization):
    limit = rate_limits.INVITATIONS_PER_ORGANIZATION
    digest = rate_limits.compute_digest(limit, organization.id)
    return AttemptCounter.objects.filter(scope=limit.scope, digest=digest)


def address():
    return f"new-{secrets.token_hex(6)}@limits.example"


def invite(call, organization, email=None, **more):
    return call(organization, "", email=email or address(), role="viewer", **more)


def is_limited(answer):
    seconds = int(answer.headers.get("Retry-After", 0))
    is_a_day = rate_limits.WINDOW_SECONDS < seconds <= rate_limits.DAY_SECONDS
    return answer.status_code == 429 and is_a_day


def test_organization_sends_so_many_invitations_a_day(call, new_organization):
    answers = [invite(call, new_organization) for _ in range(4)]

    assert [one.status_code for one in answers] == [201, 201, 201, 429]
    assert is_limited(answers[-1])
    row = Organization.objects.get(pk=new_organization.id)
    assert not PendingChange.objects.in_organization(row).open().exists()


def test_next_day_begins_with_a_new_count(call, new_organization):
    for _ in range(4):
        invite(call, new_organization)
    count_of(new_organization).update(expires_at=Now())

    assert invite(call, new_organization).status_code == 201


def test_address_gets_so_many_invitations_from_all_organizations(
    call, new_organization, organization_factory
):
    email, others = address(), [organization_factory.create_organization() for _ in range(2)]

    answers = [invite(call, one, email) for one in (new_organization, *others)]

    assert [one.status_code for one in answers] == [201, 201, 429]
    assert is_limited(answers[-1])


def test_resending_counts(call, new_organization):
    made = invite(call, new_organization).json()

    answers = [call(new_organization, f"/{made['id']}/resend") for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 429]


def test_bulk_invites_up_to_the_limit_and_says_so_for_each_row(call, new_organization):
    invite(call, new_organization)
    rows = [{"email": address(), "role": "viewer"} for _ in range(4)]

    results = call(new_organization, "/bulk", invitations=rows).json()["results"]

    assert [one["result"] for one in results] == ["queued"] * 2 + ["refused"] * 2
    assert results[-1]["problem"]["code"] == "too_many_requests"


def test_refused_invitations_are_not_counted(call, new_organization):
    member = new_organization.address("vic")
    for _ in range(4):
        assert invite(call, new_organization, member).status_code == 409

    assert invite(call, new_organization).status_code == 201


def test_limit_is_exact_when_many_invite_at_once(low_limits, new_organization):
    organization = Organization.objects.get(pk=new_organization.id)

    def prepare(_):
        try:
            with transaction.atomic():
                rate_limits.count_invitation(organization_id=organization.pk, email=address())
        except TooManyRequests:
            return 0
        finally:
            connection.close()
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(prepare, range(12))) == 3


def test_organizations_that_invite_the_same_addresses_do_not_deadlock(new_organization):
    organization = Organization.objects.get(pk=new_organization.id)
    first, second = sorted((address() for _ in range(2)), key=digest)
    rows = [bulk_invitations.Row(email=email, role=Role.VIEWER) for email in (second, first)]

    with psycopg.connect(on_database(OWNER_URL, DATABASE)) as holder:
        lock_counter(holder, first)
        with waiting_for(
            holder, lambda: bulk_invitations.create_invitations(organization, rows=rows)
        ) as running:
            holder.execute("SET LOCAL lock_timeout = '2s'")
            lock_counter(holder, second)  # which the waiting one must not hold

    assert [one.email for one in running.result()] == [second, first]


def test_deletion_of_expired_counters_does_not_wait_for_a_bulk(committed):
    """It would hold other counters meanwhile, which the bulk may need next."""
    used, expired = address(), address()
    rate_limits.lock_invitation_counters([used, expired])  # creates them as expired ones

    with psycopg.connect(on_database(OWNER_URL, DATABASE)) as holder:
        lock_counter(holder, used)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            rate_limits.delete_expired()

    left = AttemptCounter.objects.filter(digest__in=[digest(used), digest(expired)])
    assert [bytes(one.digest) for one in left] == [digest(used)]


def digest(email):
    return rate_limits.compute_digest(rate_limits.INVITATIONS_PER_ADDRESS, email)


def lock_counter(holder, email):
    """Lock the counter of an address as the bulk invitation of another organization does."""
    scope = rate_limits.INVITATIONS_PER_ADDRESS.scope
    holder.execute(rate_limits.LOCK_COUNTERS, {"scope": scope, "digests": [digest(email)]})


@pytest.fixture
def open_to_everyone(settings):
    """Let every role invite, as a product may."""
    before = permissions._declared["invitation.create"]
    permissions._declared["invitation.create"] = Permission(before.name, ALL_ROLES, "Invite.")
    roles.permissions.cache_clear()
    yield
    permissions._declared["invitation.create"] = before
    roles.permissions.cache_clear()


@pytest.mark.parametrize(
    ("by", "role", "status"),
    [
        ("member", "admin", 403),
        ("member", "member", 201),
        ("viewer", "member", 403),
        ("viewer", "viewer", 201),
    ],
)
def test_invitation_offers_at_most_the_role_of_its_sender(
    call, open_to_everyone, new_organization, by, role, status
):
    answer = call(new_organization, "", by=by, email=address(), role=role)
    rows = [{"email": address(), "role": role}]
    bulk = call(new_organization, "/bulk", by=by, invitations=rows).json()["results"]

    assert answer.status_code == status
    assert (bulk[0]["result"] == "refused") == (status == 403)
    if status == 403:
        assert answer.json()["code"] == bulk[0]["problem"]["code"] == "role_above_own"


def test_invitation_above_ones_own_role_is_not_sent_again(call, open_to_everyone, new_organization):
    made = call(new_organization, "", email=address(), role="admin").json()

    answer = call(new_organization, f"/{made['id']}/resend", by="member")

    assert (answer.status_code, answer.json()["code"]) == (403, "role_above_own")
