"""Two first sights at once both succeed, and end as one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from identity.directories.types import OrganizationSnapshot
from identity.models import Member, User
from identity.sync import apply
from kit.ids import uuid7
from tenancy.models import Organization

pytestmark = pytest.mark.usefixtures("committed")


def at_once(*acts):
    """Run each in a thread and a transaction of its own, all started together."""
    together = threading.Barrier(len(acts), timeout=10)

    def run(act):
        together.wait()
        try:
            with transaction.atomic():
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.fixture
def place():
    """A new organization at Stytch, and here if it is applied."""

    def make():
        number = uuid7().hex[-12:]
        return OrganizationSnapshot(
            read_at=timezone.now(),
            stytch_org_id=f"organization-test-{number}",
            name="Acme",
            slug=f"acme-{number}",
        )

    return make


def test_one_organization_met_twice_at_once_is_one(place):
    snapshot = place()

    first, second = at_once(*[lambda: apply.apply_snapshot(snapshot).organization] * 2)

    assert first == second
    assert Organization.objects.filter(stytch_org_id=snapshot.stytch_org_id).count() == 1


def test_two_organizations_swap_their_slugs_at_once(sandbox, wait_until_settled, drop_webhooks):
    slugs = {}
    for slug in (f"swap-{uuid7().hex[-12:]}" for _ in range(2)):
        named = {"organization_name": "Acme", "organization_slug": slug}
        slugs[sandbox.post("/stytch/organizations", **named)["organization_id"]] = slug
    drop_webhooks()
    for _ in range(3):
        (one, its), (two, others) = slugs.items()
        slugs = {one: others, two: its}
        for id_, slug in ((one, f"{its}-parked"), (two, its), (one, others)):
            sandbox.post(f"/stytch/organizations/{id_}", organization_slug=slug)
        build_snapshot = [
            OrganizationSnapshot(read_at=timezone.now(), stytch_org_id=id_, name="Acme", slug=slug)
            for id_, slug in slugs.items()
        ]

        at_once(*[partial(apply.apply_snapshot, snapshot) for snapshot in build_snapshot])

        wait_until_settled()  # anyone who was parked meanwhile has been pulled
        found = Organization.objects.in_bulk(list(slugs), field_name="stytch_org_id")
        assert {id_: organization.slug for id_, organization in found.items()} == slugs


def test_one_member_met_twice_at_once_is_one(place, build_snapshot, proofs):
    organization = apply.apply_snapshot(place()).organization
    email = f"ada@{organization.slug}.example"
    snapshot, proof = build_snapshot(organization, email), proofs.email(email)

    at_once(*[lambda: apply.apply_snapshot(snapshot, proof=proof)] * 2)

    member = Member.objects.in_organization(organization).get()
    assert member.user.email == email
    assert User.objects.filter(email=email).count() == 1


def test_one_person_entering_two_organizations_at_once_is_one_user(place, build_snapshot, proofs):
    organizations = [apply.apply_snapshot(place()).organization for _ in range(2)]
    email = f"ada@{organizations[0].slug}.example"
    snapshots = [build_snapshot(organization, email) for organization in organizations]
    for snapshot in snapshots:
        apply.apply_snapshot(snapshot)  # outsiders so far

    proof = proofs.email(email)
    at_once(*[lambda s=snapshot: apply.apply_snapshot(s, proof=proof) for snapshot in snapshots])

    (person,) = User.objects.filter(email=email, email_verified=True)
    assert Member.objects.filter(user=person).count() == 2
    assert User.objects.filter(email=email).count() == 1
