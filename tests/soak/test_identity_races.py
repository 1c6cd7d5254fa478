"""Check two hundred races of admins, first requests and sign-ups, and an outage of the directory."""

import random
import secrets
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

from identity.models import Invitation, Member, PendingChange
from identity.tasks import settle_pending_changes
from tenancy.models import Organization, TenantSchema

pytestmark = pytest.mark.soak

RACES = 200
WRITES = 40  # twice that many stay below the free plan's limit of pending invitations
STYTCH_KEYS = {
    "STYTCH_PROJECT_ID": settings.STYTCH_PROJECT_ID,
    "STYTCH_SECRET": settings.STYTCH_SECRET,
}
WAYS_OUT = {
    "demote each other": ("PATCH", "members/{other}", {"role": "member"}),
    "remove each other": ("DELETE", "members/{other}", None),
    "suspend each other": ("POST", "members/{other}/suspend", None),
    "leave": ("POST", "members/leave", None),
    "demote themselves": ("PATCH", "members/{own}", {"role": "viewer"}),
}


@pytest.fixture
def create_two_admins(front_end):
    """Return a function that creates an organization with two signed-in admins."""

    def create():
        slug = f"race-{secrets.token_hex(4)}"
        first = front_end.create_organization(f"ada@{slug}.example", name="Race", slug=slug)
        front_end.invite(first, f"bob@{slug}.example", role="admin")
        return first, front_end.accept(f"bob@{slug}.example")

    return create


def test_organization_keeps_an_admin_in_every_race(api, committed, create_two_admins, capsys):
    generator, outcomes = random.Random(5), {}
    for _ in range(RACES):
        admins = create_two_admins()
        ways = [generator.choice(list(WAYS_OUT)) for _ in admins]

        with ThreadPoolExecutor(2) as pool:
            arguments = [(api, admins[n], admins[1 - n], ways[n]) for n in range(2)]
            statuses = sorted(pool.map(lambda given: go_away(*given), arguments))

        organization = admins[0].organization["id"]
        assert Member.objects.filter(organization_id=organization).admins().exists(), ways
        outcomes[tuple(statuses)] = outcomes.get(tuple(statuses), 0) + 1
    with capsys.disabled():
        print(f"\n{RACES} races of two admins ended with {outcomes}")  # noqa: T201


def go_away(api, own, other, way):
    """Try to leave the organization with one admin less, and return the status."""
    method, path, body = WAYS_OUT[way]
    path = path.format(own=own.member["id"], other=other.member["id"])
    return api.request(method, f"{own.path}/{path}", token=own.token, json=body).status_code


def test_first_requests_of_a_member_store_one_row(api, sandbox, committed, new_organization):
    sandbox.post("/webhooks", drop=100_000, vendor="stytch")
    stytch_org_id = Organization.objects.get(pk=new_organization.id).stytch_org_id
    added = sandbox.post(
        "/stytch/members",
        organization_id=stytch_org_id,
        email_address=new_organization.address("sdk"),
        email_address_verified=True,
    )
    token = sandbox.post("/stytch/tokens", member_id=added["member_id"])["token"]

    with ThreadPoolExecutor(40) as pool:
        asked = range(RACES)
        statuses = list(pool.map(lambda _: api.get("/v1/me", token=token).status_code, asked))

    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 0
    assert api.get("/v1/me", token=token).status_code == 200
    assert Member.objects.filter(stytch_member_id=added["member_id"]).count() == 1


@pytest.fixture
def four_spares(committed):
    """Leave four spare schemas; the worker makes more while the test runs."""
    spares = TenantSchema.objects.filter(state="spare").order_by("created_at")
    held = list(spares.values_list("name", flat=True)[4:])
    TenantSchema.objects.filter(name__in=held).update(state="claimed")
    yield
    TenantSchema.objects.filter(name__in=held).update(state="spare")


def test_every_sign_up_of_a_burst_ends_with_its_organization(api, front_end, capsys, four_spares):
    slugs = [f"burst-{secrets.token_hex(4)}" for _ in range(RACES)]
    tokens = [
        front_end.discover(f"ada@{slug}.example")["intermediate_session_token"] for slug in slugs
    ]
    started = time.monotonic()

    with ThreadPoolExecutor(40) as pool:
        attempts = list(
            pool.map(lambda given: sign_up(api, *given), zip(slugs, tokens, strict=True))
        )

    with capsys.disabled():
        refused = sum(attempts) - RACES
        seconds = time.monotonic() - started
        print(f"\n{RACES} sign-ups with four spares: {refused} answers 503, {seconds:.0f} s")  # noqa: T201
    assert Organization.objects.filter(slug__in=slugs).count() == RACES


def sign_up(api, slug, token):
    """Send one sign-up again as long as the answer promises that it will work; count the attempts."""
    body = {"intermediate_session_token": token, "name": slug, "slug": slug}
    for attempt in range(1, 60):
        answer = api.post("/v1/auth/organizations", json=body)
        if answer.status_code == 201:
            return attempt
        assert answer.status_code == 503, answer.text
        time.sleep(float(answer.headers["Retry-After"]))
    raise AssertionError(f"{slug} was refused {attempt} times")


def test_outage_of_stytch_slows_no_other_call_and_leaves_nothing_half_done(
    api, sandbox, front_end, committed, new_organization, wait_until_settled, capsys
):
    before, _ = measure_beside_writes(api, new_organization)
    sandbox.post("/faults", vendor="stytch", path="/v1", times=1_000_000, status=503)
    during, statuses = measure_beside_writes(api, new_organization)
    sandbox.delete("/faults")

    with capsys.disabled():
        print(f"\nmembers list {before * 1000:.1f} ms before, {during * 1000:.1f} ms during")  # noqa: T201
    assert statuses <= {503, 429}
    assert during <= 1.3 * before
    ours = PendingChange.objects.filter(organization_id=new_organization.id)
    settle_pending_changes()  # as the clock does every minute
    assert not ours.open().exists()
    wait_until_settled()
    invited = Invitation.objects.filter(organization_id=new_organization.id).open()
    at_stytch = {
        member["email_address"]
        for member in front_end.list_stytch_members(new_organization.slug, STYTCH_KEYS)
        if member["status"] == "invited"
    }
    assert {row.email for row in invited} == at_stytch


def measure_beside_writes(api, organization):
    """Read the members list next to invitations; return the median and the statuses of those."""
    addresses = [organization.address(f"new-{secrets.token_hex(4)}") for _ in range(WRITES)]
    with ThreadPoolExecutor(3) as pool:
        writes = [pool.submit(invite, api, organization, email) for email in addresses]
        median = measure_median(api, organization, organization.admin.token)
        return median, {write.result() for write in writes}


def measure_median(api, organization, token):
    """Return the median duration in seconds of a hundred reads of the members list."""
    durations = []
    for _ in range(100):
        started = time.perf_counter()
        assert api.get(f"{organization.path}/members", token=token).status_code == 200
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def invite(api, organization, email):
    body = {"email": email, "role": "member"}
    path = f"{organization.path}/invitations"
    return api.post(path, token=organization.admin.token, json=body).status_code
