"""A member becomes a known person only by what the person's own session has shown."""

from datetime import UTC, datetime, timedelta

import pytest

from identity.directories.types import MemberDeleted
from identity.models import Member, User
from identity.sync import apply, users
from tenancy.services import organizations

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere(db):
    """Another organization."""
    return organizations.create_organization(
        stytch_org_id="organization-test-elsewhere", name="Elsewhere", slug="elsewhere-people"
    )


@pytest.fixture
def ada(organization, build_snapshot, proofs):
    """A member whose person has shown her address."""
    snapshot = build_snapshot(organization, "ada@acme.example")
    return apply.apply_snapshot(snapshot, proof=proofs.email("ada@acme.example")).member


def test_shown_address_makes_a_verified_person(ada):
    assert ada.user.email_verified
    assert ada.user.email == "ada@acme.example"
    assert ada.proved_at is not None


def test_same_person_in_two_organizations_is_one_user(ada, elsewhere, build_snapshot, proofs):
    there = apply.apply_snapshot(
        build_snapshot(elsewhere, "ada@acme.example"), proof=proofs.email("ada@acme.example")
    )

    assert there.member.user == ada.user


def test_session_without_an_email_factor_never_links(ada, elsewhere, build_snapshot, proofs):
    claimed = build_snapshot(elsewhere, "ada@acme.example")

    there = apply.apply_snapshot(claimed, proof=proofs.nothing).member

    assert there.user != ada.user
    assert not there.user.email_verified


def test_webhook_never_links(ada, elsewhere, build_snapshot):
    there = apply.apply_snapshot(build_snapshot(elsewhere, "ada@acme.example")).member

    assert there.user != ada.user


def test_unverified_address_never_links(ada, elsewhere, build_snapshot, proofs):
    claimed = build_snapshot(elsewhere, "ada@acme.example", email_verified=False)

    there = apply.apply_snapshot(claimed, proof=proofs.email("ada@acme.example")).member

    assert there.user != ada.user


def test_another_address_in_the_session_shows_nothing(ada, elsewhere, build_snapshot, proofs):
    claimed = build_snapshot(elsewhere, "ada@acme.example")

    there = apply.apply_snapshot(claimed, proof=proofs.email("mallory@evil.example")).member

    assert there.user != ada.user


def test_member_of_a_directory_is_linked_once_the_person_shows_the_address(
    ada, elsewhere, build_snapshot, proofs
):
    claimed = build_snapshot(elsewhere, "ada@acme.example")
    stranger = apply.apply_snapshot(claimed).member.user

    there = apply.apply_snapshot(claimed, proof=proofs.email("ada@acme.example")).member

    assert there.user == ada.user
    assert not User.objects.filter(pk=stranger.pk).exists()


def test_staff_are_never_linked(organization, build_snapshot, proofs):
    staff = User.objects.create_superuser("root@acme.example", "a long password for staff")

    member = apply.apply_snapshot(
        build_snapshot(organization, "root@acme.example"), proof=proofs.email("root@acme.example")
    ).member

    assert member.user != staff
    assert not member.user.is_staff
    assert member.user.email_verified


def test_directory_never_changes_the_address_staff_sign_in_with(
    ada, organization, build_snapshot, proofs
):
    User.objects.filter(pk=ada.user_id).update(is_staff=True)
    moved = build_snapshot(
        organization, "mallory@evil.example", stytch_member_id=ada.stytch_member_id
    )

    member = apply.apply_snapshot(moved, proof=proofs.email("mallory@evil.example")).member

    ada.user.refresh_from_db()
    assert (ada.user.email, member.user.is_staff) == ("ada@acme.example", False)


def test_two_members_who_show_one_address_are_merge_conflict(
    ada, organization, build_snapshot, proofs
):
    # Stytch frees an address when it is changed; until we hear of that, two rows claim it.
    other = build_snapshot(organization, "ada@acme.example")

    second = apply.apply_snapshot(other, proof=proofs.email("ada@acme.example")).member

    assert second.user != ada.user
    assert second.merge_conflict_with == ada.user
    assert Member.objects.in_organization(organization).active().count() == 2


def test_verified_person_is_never_merged_into_another(
    ada, organization, elsewhere, build_snapshot, proofs
):
    bob = build_snapshot(elsewhere, "bob@acme.example")
    apply.apply_snapshot(bob, proof=proofs.email("bob@acme.example"))
    renamed = build_snapshot(elsewhere, "ada@acme.example", stytch_member_id=bob.stytch_member_id)

    member = apply.apply_snapshot(renamed, proof=proofs.email("ada@acme.example")).member

    assert member.user != ada.user
    assert member.merge_conflict_with == ada.user


def test_changed_address_must_be_shown_again(ada, organization, build_snapshot, proofs):
    moved = build_snapshot(organization, "ada@new.example", stytch_member_id=ada.stytch_member_id)

    unproved = apply.apply_snapshot(moved).member
    assert (unproved.proved_at, unproved.user.email) == (None, "ada@acme.example")

    proved = apply.apply_snapshot(moved, proof=proofs.email("ada@new.example")).member
    assert proved.user == ada.user
    assert proved.user.email == "ada@new.example"


def test_changed_address_gives_no_access_to_the_persons_other_organizations(
    ada, organization, elsewhere, build_snapshot, proofs
):
    apply.apply_snapshot(
        build_snapshot(elsewhere, "ada@acme.example"), proof=proofs.email("ada@acme.example")
    )
    moved = build_snapshot(
        organization, "mallory@evil.example", stytch_member_id=ada.stytch_member_id
    )

    asserted = apply.apply_snapshot(moved).member.user
    proved = apply.apply_snapshot(moved, proof=proofs.email("mallory@evil.example")).member.user

    assert ada.user not in {asserted, proved}
    assert (proved.email, proved.email_verified) == ("mallory@evil.example", True)
    assert not proved.members.exclude(pk=ada.pk).exists()


def test_changed_address_is_not_linked_to_a_person_proving_the_old_one(
    ada, organization, elsewhere, build_snapshot, proofs
):
    moved = build_snapshot(
        organization, "mallory@evil.example", stytch_member_id=ada.stytch_member_id
    )
    apply.apply_snapshot(moved)

    there = apply.apply_snapshot(
        build_snapshot(elsewhere, "ada@acme.example"), proof=proofs.email("ada@acme.example")
    ).member

    assert there.user != ada.user
    assert there.user.email_verified


def test_addresses_that_are_alike_in_capitals_only_are_two_people(
    organization, elsewhere, build_snapshot, proofs
):
    """An i without its dot: the owner of another domain must never be taken for Ada."""
    ada, alike = "ada@micros.example", "ada@m\u0131cros.example"
    apply.apply_snapshot(build_snapshot(organization, ada), proof=proofs.email(ada))

    other = apply.apply_snapshot(build_snapshot(elsewhere, alike), proof=proofs.email(alike)).member

    assert other.user.email == alike


def test_removed_member_who_returns_to_find_its_person_here_is_merge_conflict(
    ada, organization, build_snapshot, proofs
):
    """Its address went to another member and on from there; then Stytch reactivates the first."""
    apply.apply_snapshot(MemberDeleted(stytch_member_id=ada.stytch_member_id))
    zoe = build_snapshot(organization, "zoe@acme.example")
    apply.apply_snapshot(zoe)
    renamed = build_snapshot(
        organization, "ada@acme.example", stytch_member_id=zoe.stytch_member_id
    )
    second = apply.apply_snapshot(renamed, proof=proofs.email("ada@acme.example")).member
    assert second.user == ada.user

    back = build_snapshot(organization, "ada@acme.example", stytch_member_id=ada.stytch_member_id)
    returned = apply.apply_snapshot(back).member

    assert (returned.status, returned.merge_conflict_with) == ("active", ada.user)
    assert returned.user != ada.user


def test_response_from_before_a_removal_recreates_no_member(
    ada, organization, build_snapshot, proofs
):
    before = datetime.now(UTC)
    apply.apply_snapshot(MemberDeleted(stytch_member_id=ada.stytch_member_id))
    again = build_snapshot(organization, "ada@acme.example")
    Member.objects.filter(pk=ada.pk).update(
        email="other@acme.example", email_key="other@acme.example"
    )
    assert (
        apply.apply_snapshot(again, proof=proofs.email("ada@acme.example")).member.user == ada.user
    )
    people = User.objects.count()

    late = build_snapshot(organization, stytch_member_id=ada.stytch_member_id, read_at=before)
    apply.apply_snapshot(late)

    assert User.objects.count() == people


def test_recreated_member_is_not_linked_until_the_address_is_proven(
    ada, organization, build_snapshot, proofs
):
    apply.apply_snapshot(MemberDeleted(stytch_member_id=ada.stytch_member_id))
    recreated = build_snapshot(organization, "ada@acme.example")

    asserted = apply.apply_snapshot(recreated).member
    assert (asserted.pk, asserted.user == ada.user) == (ada.pk, False)

    proved = apply.apply_snapshot(recreated, proof=proofs.email("ada@acme.example")).member
    assert (proved.pk, proved.user) == (ada.pk, ada.user)


def test_factor_from_before_the_address_was_written_proves_nothing(
    ada, organization, elsewhere, build_snapshot, proofs
):
    """The address went from Mallory to Ada and back: what Mallory proved then is not proof now."""
    before = datetime.now(UTC) - timedelta(hours=1)
    mallory = build_snapshot(elsewhere, "mallory@evil.example")
    apply.apply_snapshot(mallory)
    renamed = build_snapshot(
        elsewhere, "ada@acme.example", stytch_member_id=mallory.stytch_member_id
    )

    member = apply.apply_snapshot(renamed, proof=proofs.email("ada@acme.example", at=before)).member

    assert member.user != ada.user
    assert member.proved_at is None


# ── Blocked and suspended ────────────────────────────────────────────────────────────────────


@pytest.fixture
def blocked(ada):
    """Ada, blocked by staff."""
    users.block_user(ada.user)
    return ada


def test_block_survives_another_address(ada, organization, elsewhere, build_snapshot, proofs):
    apply.apply_snapshot(
        build_snapshot(elsewhere, "ada@acme.example"), proof=proofs.email("ada@acme.example")
    )
    users.block_user(ada.user)
    moved = build_snapshot(
        organization, "fresh@acme.example", stytch_member_id=ada.stytch_member_id
    )

    member = apply.apply_snapshot(moved, proof=proofs.email("fresh@acme.example")).member

    assert member.user != ada.user
    assert not member.may_act


def test_block_survives_deletion_and_creation(blocked, organization, build_snapshot, proofs):
    apply.apply_snapshot(MemberDeleted(stytch_member_id=blocked.stytch_member_id))

    created = apply.apply_snapshot(
        build_snapshot(organization, "ada@acme.example"), proof=proofs.nothing
    ).member

    assert created.pk == blocked.pk
    assert not created.may_act


def test_block_survives_in_another_organization(blocked, elsewhere, build_snapshot):
    assert not apply.apply_snapshot(build_snapshot(elsewhere, "ada@acme.example")).member.may_act


def test_block_survives_an_address_written_on_another_member(blocked, organization, build_snapshot):
    apply.apply_snapshot(MemberDeleted(stytch_member_id=blocked.stytch_member_id))
    zoe = build_snapshot(organization, "zoe@acme.example")
    apply.apply_snapshot(zoe)

    renamed = build_snapshot(
        organization, "ada@acme.example", stytch_member_id=zoe.stytch_member_id
    )

    assert not apply.apply_snapshot(renamed).member.may_act


def test_blocked_placeholder_is_not_exchanged_for_its_person(
    ada, elsewhere, build_snapshot, proofs
):
    claimed = build_snapshot(elsewhere, "ada@acme.example")
    users.block_user(apply.apply_snapshot(claimed).member.user)

    there = apply.apply_snapshot(claimed, proof=proofs.email("ada@acme.example")).member

    assert not there.may_act
    assert ada.user.is_active


def test_unblocked_person_is_unblocked_with_its_placeholders(blocked, elsewhere, build_snapshot):
    there = apply.apply_snapshot(build_snapshot(elsewhere, "ada@acme.example")).member

    users.unblock_user(User.objects.get(pk=blocked.user_id))

    blocked.user.refresh_from_db()
    there.user.refresh_from_db()
    assert (blocked.user.is_active, there.user.is_active) == (True, True)


def test_unblocking_one_person_leaves_others_blocked(blocked, elsewhere, build_snapshot, proofs):
    other = apply.apply_snapshot(build_snapshot(elsewhere, "bob@acme.example")).member.user
    users.block_user(other)

    users.unblock_user(blocked.user)

    other.refresh_from_db()
    assert not other.is_active


def test_suspension_survives_deletion_and_creation(ada, organization, build_snapshot):
    Member.objects.filter(pk=ada.pk).update(status="suspended")
    apply.apply_snapshot(MemberDeleted(stytch_member_id=ada.stytch_member_id))

    created = apply.apply_snapshot(build_snapshot(organization, "ada@acme.example")).member

    assert (created.pk, created.status) == (ada.pk, "suspended")
