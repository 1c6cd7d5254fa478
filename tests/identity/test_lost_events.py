"""Find, within minutes and in a few calls, what a lost webhook of Stytch would have reported."""

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from identity.models import Invitation, Member
from identity.sync import lost_events
from identity.tasks import compare_recent_rows
from tenancy.models import Organization

SEARCH = "/v1/b2b/organizations/members/search"


@pytest.fixture
def invite(front_end, new_organization):
    """Return a function that invites a new address and returns the invitation's row."""

    def send(role="member"):
        email = new_organization.address(f"new-{secrets.token_hex(3)}")
        made = front_end.invite(new_organization.admin, email, role=role)
        return Invitation.objects.get(pk=made["id"])

    return send


@pytest.fixture
def compare(committed):
    """Return a function that runs the job on this test's organizations alone."""

    def run(*organizations):
        ids = [organization.id for organization in organizations]
        others = Invitation.objects.exclude(organization_id__in=ids).open()
        others.update(expires_at=timezone.now() - timedelta(days=1))
        old = timezone.now() - timedelta(days=1)
        Member.objects.exclude(organization_id__in=ids).update(updated_at=old)
        compare_recent_rows()

    return run


def change_at_stytch(sandbox, row, **fields):
    sandbox.post(f"/stytch/members/{row.stytch_member_id}", **fields)


def test_acceptance_without_webhook_is_found(
    sandbox, new_organization, invite, compare, drop_webhooks, history
):
    invitation = invite(role="viewer")
    drop_webhooks()
    change_at_stytch(sandbox, invitation, status="active", email_address_verified=True)

    compare(new_organization)

    invitation.refresh_from_db()
    member = Member.objects.get(stytch_member_id=invitation.stytch_member_id)
    assert (invitation.status, member.status, member.role) == ("accepted", "active", "viewer")
    assert len(history(new_organization, "invitation.accepted", str(invitation.pk))) == 1


def test_revocation_without_webhook_is_found(
    sandbox, new_organization, invite, compare, drop_webhooks
):
    invitation = invite()
    drop_webhooks()
    change_at_stytch(sandbox, invitation, status="deleted")

    compare(new_organization)

    invitation.refresh_from_db()
    assert invitation.status == "revoked"


def test_change_of_a_recently_changed_member_is_found(
    sandbox, new_organization, compare, drop_webhooks
):
    member = Member.objects.get(pk=new_organization.member.member["id"])
    drop_webhooks()
    change_at_stytch(sandbox, member, roles=["viewer"])

    compare(new_organization)

    member.refresh_from_db()
    assert member.role == "viewer"


def test_batch_is_one_call_and_without_difference_writes_only_its_turn(
    sandbox, new_organization, invite, compare, drop_webhooks
):
    first, second = invite(), invite()
    drop_webhooks()
    before = len(sandbox.requests("stytch", "POST", SEARCH))

    compare(new_organization)

    assert len(sandbox.requests("stytch", "POST", SEARCH)) == before + 1
    for row in (first, second):
        updated_at = row.updated_at
        row.refresh_from_db()
        assert row.updated_at == updated_at
        assert row.compared_at is not None


def test_invitations_compared_longest_ago_come_first(
    new_organization, invite, compare, drop_webhooks, monkeypatch
):
    early, late = invite(), invite()
    drop_webhooks()
    Invitation.objects.filter(pk=late.pk).update(compared_at=timezone.now())
    monkeypatch.setattr(lost_events, "INVITATIONS_PER_RUN", 1)
    monkeypatch.setattr(lost_events, "MEMBERS_PER_RUN", 0)
    before = timezone.now()

    compare(new_organization)

    early.refresh_from_db()
    late.refresh_from_db()
    assert early.compared_at > before > late.compared_at


def test_outage_of_stytch_waits_for_the_next_run(
    sandbox, new_organization, invite, compare, drop_webhooks
):
    invitation = invite()
    drop_webhooks()
    change_at_stytch(sandbox, invitation, status="active", email_address_verified=True)
    sandbox.post("/faults", vendor="stytch", path=SEARCH, status=429)

    compare(new_organization)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.compared_at) == ("pending", None)
    compare(new_organization)

    invitation.refresh_from_db()
    assert invitation.status == "accepted"


def test_organization_that_stytch_has_deleted_does_not_hide_the_others(
    sandbox, organization_factory, new_organization, at_org, invite, compare, drop_webhooks
):
    deleted, invitation = organization_factory.create_organization(), invite()
    drop_webhooks()
    change_at_stytch(sandbox, invitation, status="active", email_address_verified=True)
    sandbox.delete(f"/stytch/organizations/{at_org(deleted)}")

    compare(new_organization, deleted)

    invitation.refresh_from_db()
    assert invitation.status == "accepted"
    assert Organization.objects.get(pk=deleted.id).is_deleted
