"""An organization that the directory leaves without an admin is flagged, and can be repaired."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from identity.directories.types import MemberDeleted, OrganizationDeleted
from identity.models import Member, MissingAdmin, User
from identity.signals import admin_lost
from identity.sync import apply, users
from identity.tasks import update_missing_admins
from tests.admin.browsers import open_staff_browser


@pytest.fixture
def lost():
    """Return the flags that the signal announced."""
    received = []

    def receive(*, missing_admin, **_):
        received.append(missing_admin)

    admin_lost.connect(receive)
    yield received
    admin_lost.disconnect(receive)


@pytest.fixture
def people(organization, build_snapshot):
    """Return the snapshots of an organization's only admin and of a member."""
    admin = build_snapshot(organization, "ada@acme.example", roles=("stytch_admin",))
    member = build_snapshot(organization, "bob@acme.example")
    apply.apply_snapshot(admin)
    apply.apply_snapshot(member)
    return admin, member


def delete(snapshot):
    apply.apply_snapshot(MemberDeleted(stytch_member_id=snapshot.stytch_member_id))


def find_flag(organization):
    return MissingAdmin.objects.in_organization(organization).open().first()


def test_deleted_last_admin_is_flagged_once(organization, people, read_events, lost):
    admin, _ = people
    delete(admin)
    delete(admin)
    update_missing_admins()

    assert [flag.organization for flag in lost] == [organization]
    assert MissingAdmin.objects.in_organization(organization).count() == 1
    assert len(read_events(organization, "organization.admin_lost")) == 1


def test_demoted_last_admin_is_flagged(organization, people, build_snapshot):
    admin, _ = people
    apply.apply_snapshot(
        build_snapshot(
            organization, "ada@acme.example", stytch_member_id=admin.stytch_member_id, roles=()
        )
    )

    assert find_flag(organization)


@pytest.mark.parametrize("other", ["active", "none", "elsewhere"])
def test_flag_needs_members_of_this_organization_and_no_admin(
    organization, other_organization, people, build_snapshot, other
):
    admin, member = people
    apply.apply_snapshot(build_snapshot(other_organization, "carl@globex.example"))
    if other == "active":
        apply.apply_snapshot(
            build_snapshot(organization, "carl@acme.example", roles=("stytch_admin",))
        )
    if other == "none":
        delete(member)
    if other == "elsewhere":
        apply.apply_snapshot(
            build_snapshot(other_organization, "dora@globex.example", roles=("stytch_admin",))
        )

    delete(admin)

    assert bool(find_flag(organization)) is (other == "elsewhere")


def test_promoted_member_lifts_the_flag(organization, people, build_snapshot, lost):
    admin, member = people
    delete(admin)

    promoted = build_snapshot(
        organization,
        "bob@acme.example",
        stytch_member_id=member.stytch_member_id,
        roles=("stytch_admin",),
    )
    apply.apply_snapshot(promoted)

    assert find_flag(organization) is None
    apply.apply_snapshot(build_snapshot(organization, "carl@acme.example"))
    delete(promoted)
    assert len(lost) == 2


def test_blocked_last_admin_is_flagged_within_a_minute(
    organization, other_organization, people, build_snapshot, lost
):
    admin, _ = people
    apply.apply_snapshot(
        build_snapshot(other_organization, "dora@globex.example", roles=("stytch_admin",))
    )
    user = Member.objects.get(stytch_member_id=admin.stytch_member_id).user
    users.block_user(user)

    update_missing_admins()
    update_missing_admins()
    assert [flag.organization for flag in lost] == [organization]

    user.refresh_from_db()
    users.unblock_user(user)
    update_missing_admins()
    assert find_flag(organization) is None


def test_deleted_organization_is_not_flagged(organization, people):
    admin, _ = people
    organization.state = "deleted"
    organization.save()
    Member.objects.filter(stytch_member_id=admin.stytch_member_id).update(role="member")

    update_missing_admins()

    assert find_flag(organization) is None


def test_flag_of_a_deleted_organization_is_lifted(organization, people):
    delete(people[0])
    assert find_flag(organization)

    apply.apply_snapshot(OrganizationDeleted(stytch_org_id=organization.stytch_org_id))
    update_missing_admins()

    assert find_flag(organization) is None


def test_metric_counts_the_flagged_organizations(client, organization, people, settings):
    settings.METRICS_TOKEN = "right"
    before = MissingAdmin.objects.open().count()
    delete(people[0])

    text = client.get("/metrics", headers={"authorization": "Bearer right"}).content.decode()

    assert f"organizations_without_admin {before + 1}.0" in text


# ── Through the running product ──────────────────────────────────────────────────────────────


@pytest.fixture
def adminless(sandbox, new_organization, at_stytch, wait_until_settled):
    """Return an organization whose last admin the customer's directory has removed."""
    stytch_id = at_stytch(new_organization.admin.member["id"])
    sandbox.post(f"/stytch/members/{stytch_id}/delete", source="scim")
    wait_until_settled()
    return new_organization


@pytest.fixture
def staff_browser(committed):
    staff = User.objects.create_superuser(email=f"staff-{User.objects.count()}@staff.example")
    return open_staff_browser(staff)


def test_staff_make_a_member_admin_on_the_page(adminless, staff_browser, history):
    flag = MissingAdmin.objects.open().get(organization_id=adminless.id)
    page = reverse("admin:identity_missingadmin_change", args=[flag.pk])
    assert adminless.address("grace") in staff_browser.get(page).content.decode()

    done = staff_browser.post(
        reverse("admin:identity_missingadmin_promote", args=[flag.pk]),
        {"member": adminless.member.member["id"]},
        follow=True,
    )

    assert "is an admin now" in done.content.decode()
    flag.refresh_from_db()
    assert flag.resolved_at > timezone.now() - timedelta(minutes=1)
    adminless.admin = adminless.member  # the new one, who may read the trail
    (change,) = history(adminless, "member.role_changed")
    assert change["actor"]["kind"] == "operator"


def test_refusal_of_the_directory_is_shown_and_changes_nothing(adminless, staff_browser, sandbox):
    flag = MissingAdmin.objects.open().get(organization_id=adminless.id)
    sandbox.post("/faults", vendor="stytch", path="/v1/b2b/organizations", status=503, times=20)

    done = staff_browser.post(
        reverse("admin:identity_missingadmin_promote", args=[flag.pk]),
        {"member": adminless.member.member["id"]},
        follow=True,
    )

    assert "Not done" in done.content.decode()
    assert Member.objects.get(pk=adminless.member.member["id"]).role == "member"


def test_promotion_is_a_permission_of_its_own(adminless, committed):
    clerk = User.objects.create(email=f"c-{adminless.slug}@staff.example", is_staff=True)
    flag = MissingAdmin.objects.open().get(organization_id=adminless.id)

    answer = open_staff_browser(clerk).post(
        reverse("admin:identity_missingadmin_promote", args=[flag.pk]),
        {"member": adminless.member.member["id"]},
    )

    assert answer.status_code == 403


def test_command_lifts_the_flag(adminless):
    call_command("promote_member", adminless.slug, adminless.address("grace"))

    assert not MissingAdmin.objects.open().filter(organization_id=adminless.id).exists()
