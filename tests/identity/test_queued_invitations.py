"""The invitations of a bulk are listed before a job sends them, and can be revoked until then."""

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from identity import directories
from identity.errors import ChangeInProgress
from identity.models import Invitation, PendingChange
from identity.roles import Role
from identity.services import bulk_invitations, invitations, queued_invitations
from identity.tasks import expire_invitations
from kit.errors import NotFound
from kit.outbound import VendorUnavailable
from tenancy.models import Organization
from tests.harness.locking import organization_locked, waiting_for
from tests.harness.stack import poll

INVITE = "/v1/b2b/magic_links/email/invite"

pytestmark = pytest.mark.usefixtures("committed")


def address(organization):
    return organization.address(f"new-{secrets.token_hex(3)}")


@pytest.fixture
def hold_jobs(monkeypatch):
    """Queue no job, so that a test decides when an invitation is sent."""
    monkeypatch.setattr("kit.jobs.defer_job", lambda *_, **__: None)


@pytest.fixture
def queue(new_organization, hold_jobs):
    """Return a function that queues an invitation without sending it, and returns it with its change."""
    organization = Organization.objects.get(pk=new_organization.id)

    def prepare(email=None):
        row = bulk_invitations.Row(email=email or address(new_organization), role=Role.VIEWER)
        (queued,) = bulk_invitations.create_invitations(organization, rows=[row])
        change = PendingChange.objects.get(
            organization=organization, state="open", details__email=row.email
        )
        return queued, change

    return prepare


@pytest.fixture
def show(api, new_organization):
    """Return a function that reads an invitation through the API."""

    def read(invitation):
        path = f"{new_organization.path}/invitations/{invitation.pk}"
        return api.get(path, token=new_organization.admin.token).json()

    return read


@pytest.fixture
def revoke(api, new_organization):
    """Return a function that revokes an invitation through the API."""

    def delete(invitation):
        path = f"{new_organization.path}/invitations/{invitation.pk}"
        return api.delete(path, token=new_organization.admin.token)

    return delete


def mails(sandbox, invitation):
    return sandbox.get("/inbox", email=invitation.email)["mails"]


def test_answer_names_the_queued_invitations_which_the_list_shows(
    api, new_organization, wait_until_settled
):
    rows = [
        {"email": email, "role": "viewer"}
        for email in (address(new_organization), new_organization.address("vic"))
    ]

    results = api.post(
        f"{new_organization.path}/invitations/bulk",
        token=new_organization.admin.token,
        json={"invitations": rows},
    ).json()["results"]

    assert results[1]["invitation_id"] is None
    path = f"{new_organization.path}/invitations/{results[0]['invitation_id']}"
    shown = api.get(path, token=new_organization.admin.token).json()
    assert shown["invited_by"] == new_organization.admin.member["id"]
    assert shown["status"] in {"queued", "pending"}
    wait_until_settled()
    assert api.get(path, token=new_organization.admin.token).json()["status"] == "pending"


def test_queued_invitation_is_listed_and_then_sent_in_the_same_row(
    api, sandbox, new_organization, queue, show, history
):
    queued, change = queue()
    listed = api.get(
        f"{new_organization.path}/invitations?status=queued", token=new_organization.admin.token
    ).json()["results"]
    assert [(one["id"], one["sent_at"]) for one in listed] == [(str(queued.pk), None)]

    bulk_invitations.send_queued_invitation(change.pk)

    sent = show(queued)
    assert (sent["status"], sent["refusal"]) == ("pending", "")
    assert sent["sent_at"]
    assert len(mails(sandbox, queued)) == 1
    assert len(history(new_organization, "invitation.created", str(queued.pk))) == 1


def test_queued_invitation_holds_one_seat(new_organization, queue):
    queue()

    organization = Organization.objects.get(pk=new_organization.id)
    assert Invitation.objects.in_organization(organization).pending().count() == 0
    changes = PendingChange.objects.in_organization(organization)
    assert changes.taking_seats(Role.VIEWER).count() == 1


def test_revoked_invitation_is_not_sent(
    sandbox, new_organization, queue, revoke, show, history, count_stytch_calls
):
    queued, change = queue()
    asked = count_stytch_calls()

    assert revoke(queued).status_code == 204

    bulk_invitations.send_queued_invitation(change.pk)
    assert show(queued)["status"] == "revoked"
    assert (mails(sandbox, queued), asked()) == ([], [])
    (event,) = history(new_organization, "invitation.revoked", str(queued.pk))
    assert event["actor"]["id"] == new_organization.admin.member["id"]
    change.refresh_from_db()
    assert change.state == "lapsed"


def test_revoked_address_is_invited_again(api, new_organization, queue, revoke):
    queued, _ = queue()
    revoke(queued)

    answer = api.post(
        f"{new_organization.path}/invitations",
        token=new_organization.admin.token,
        json={"email": queued.email, "role": "viewer"},
    )

    assert answer.status_code == 201


def test_invitation_is_not_revoked_while_it_is_being_sent(sandbox, queue, revoke, show):
    queued, change = queue()
    assert queued_invitations.claim_invitation(change)

    answer = revoke(queued)

    assert (answer.status_code, answer.json()["code"]) == (409, "change_in_progress")
    assert show(queued)["status"] == "queued"
    with pytest.raises(ChangeInProgress):  # nor is it sent twice at once
        bulk_invitations.send_queued_invitation(change.pk)
    assert mails(sandbox, queued) == []


@pytest.mark.parametrize("after_effect", [True, False])
def test_invitation_that_may_have_been_sent_is_revoked_at_stytch_too(
    api,
    sandbox,
    new_organization,
    queue,
    revoke,
    show,
    after_effect,
    wait_until_settled,
    drop_webhooks,
):
    queued, change = queue()
    drop_webhooks()
    sandbox.post(
        "/faults", vendor="stytch", path=INVITE, status=500, times=1, after_effect=after_effect
    )
    lookup = "/v1/b2b/organizations/[^/]+/member"
    sandbox.post("/faults", vendor="stytch", path=lookup, status=500, times=1)
    with pytest.raises(VendorUnavailable):
        bulk_invitations.send_queued_invitation(change.pk)
    assert show(queued)["status"] == "queued"

    assert revoke(queued).status_code == 204

    assert show(queued)["status"] == "revoked"
    assert len(mails(sandbox, queued)) == (1 if after_effect else 0)
    if after_effect:
        token = sandbox.mailed_token(queued.email, "invite")
        refused = api.post("/v1/auth/invitations/accept", json={"token": token})
        assert refused.status_code == 401


def test_pending_member_that_no_attempt_invited_is_not_deleted(
    sandbox, new_organization, at_org, queue, revoke, show, drop_webhooks
):
    """An attempt that had reached Stytch would have made the member invited."""
    queued, change = queue()
    drop_webhooks()
    queued_invitations.claim_invitation(change)
    queued_invitations.end_claim(change)
    place = {"organization_id": at_org(new_organization), "email_address": queued.email}
    sandbox.post("/stytch/members", **place, status="pending")

    assert revoke(queued).status_code == 204

    found = directories.get_directory().find_member(
        stytch_org_id=at_org(new_organization), email=queued.email
    )
    assert found.status == "pending"
    assert show(queued)["status"] == "revoked"


def test_member_who_accepted_an_invitation_of_unknown_outcome_stays(
    sandbox, new_organization, queue, revoke, show, drop_webhooks, at_org
):
    queued, change = queue()
    drop_webhooks()
    sandbox.post("/faults", vendor="stytch", path=INVITE, status=500, times=1, after_effect=True)
    lookup = "/v1/b2b/organizations/[^/]+/member"
    sandbox.post("/faults", vendor="stytch", path=lookup, status=500, times=1)
    with pytest.raises(VendorUnavailable):
        bulk_invitations.send_queued_invitation(change.pk)
    invited = directories.get_directory().find_member(
        stytch_org_id=at_org(new_organization), email=queued.email
    )
    sandbox.post(f"/stytch/members/{invited.stytch_member_id}", status="active")

    answer = revoke(queued)

    assert (answer.status_code, answer.json()["code"]) == (409, "invitation_closed")
    assert show(queued)["status"] == "accepted"


def test_invitation_that_stytch_refuses_says_why(
    sandbox, new_organization, queue, show, at_org, history
):
    queued, change = queue()
    sandbox.post(f"/stytch/organizations/{at_org(new_organization)}", email_invites="NOT_ALLOWED")

    bulk_invitations.send_queued_invitation(change.pk)

    shown = show(queued)
    assert (shown["status"], shown["refusal"]) == ("refused", "invitations_not_allowed")
    (event,) = history(new_organization, "invitation.refused", str(queued.pk))
    assert event["details"] == {"code": "invitations_not_allowed"}


def test_invitation_that_was_never_sent_is_refused_after_its_lease(queue, show):
    queued, change = queue()
    recent, _ = queue()
    Invitation.objects.filter(pk=queued.pk).update(
        created_at=timezone.now() - queued_invitations.BULK_LEASE - timedelta(seconds=1)
    )

    expire_invitations()

    assert (show(queued)["status"], show(queued)["refusal"]) == ("refused", "not_sent")
    assert show(recent)["status"] == "queued"
    change.refresh_from_db()
    assert change.state == "lapsed"


def test_member_who_joined_before_the_job_accepts_the_queued_invitation(
    sandbox, new_organization, queue, show, at_org
):
    queued, change = queue()
    sandbox.post(
        "/stytch/members",
        organization_id=at_org(new_organization),
        email_address=queued.email,
        status="active",
    )
    poll(lambda: show(queued)["status"] == "accepted", what="the member")

    bulk_invitations.send_queued_invitation(change.pk)

    assert show(queued)["status"] == "accepted"
    assert mails(sandbox, queued) == []


def test_queued_address_is_neither_invited_nor_resent(api, new_organization, queue):
    queued, _ = queue()
    path, token = f"{new_organization.path}/invitations", new_organization.admin.token

    again = api.post(path, token=token, json={"email": queued.email, "role": "viewer"})
    resent = api.post(f"{path}/{queued.pk}/resend", token=token)

    assert (again.status_code, again.json()["code"]) == (409, "invitation_pending")
    assert (resent.status_code, resent.json()["code"]) == (409, "change_in_progress")


@pytest.mark.parametrize("first", ["claim", "revoke"])
def test_job_and_revocation_are_decided_by_the_lock(new_organization, queue, first):
    queued, change = queue()
    organization = Organization.objects.get(pk=new_organization.id)
    calls = {
        "claim": lambda: queued_invitations.claim_invitation(change),
        "revoke": lambda: invitations.revoke_invitation(organization, invitation_id=queued.pk),
    }

    with (
        organization_locked(organization.pk) as holder,
        waiting_for(holder, calls[first]) as running,
    ):
        queued.refresh_from_db()
        assert (queued.status, queued.claimed_until) == ("queued", None)

    running.result()
    if first == "claim":
        with pytest.raises(ChangeInProgress):
            calls["revoke"]()
    else:
        assert calls["claim"]() is False


def test_invitation_of_another_organization_is_not_revoked(organization_factory, queue):
    queued, _ = queue()
    other = Organization.objects.get(pk=organization_factory.create_organization().id)

    with pytest.raises(NotFound):
        invitations.revoke_invitation(other, invitation_id=queued.pk)
    with pytest.raises(ChangeInProgress):
        queued_invitations.revoke_queued_invitation(other, invitation_id=queued.pk)

    queued.refresh_from_db()
    assert queued.status == "queued"


def test_same_address_of_another_organization_stays_queued(
    new_organization, organization_factory, queue, hold_jobs
):
    queued, change = queue()
    other = Organization.objects.get(pk=organization_factory.create_organization().id)
    row = bulk_invitations.Row(email=queued.email, role=Role.VIEWER)
    (there,) = bulk_invitations.create_invitations(other, rows=[row])

    queued_invitations.claim_invitation(change)
    queued_invitations.end_claim(change)
    queued_invitations.refuse_invitation(change, code="x")
    (again,) = bulk_invitations.create_invitations(
        change.organization,
        rows=[bulk_invitations.Row(email=address(new_organization), role="viewer")],
    )
    invitations.revoke_invitation(change.organization, invitation_id=again.pk)

    there.refresh_from_db()
    assert (there.status, there.claimed_until) == ("queued", None)
    assert PendingChange.objects.in_organization(other).open().count() == 1


def test_revoking_here_leaves_the_queued_change_of_another_organization_open(
    organization_factory, queue
):
    queued, change = queue()
    other = Organization.objects.get(pk=organization_factory.create_organization().id)
    row = bulk_invitations.Row(email=queued.email, role=Role.VIEWER)
    bulk_invitations.create_invitations(other, rows=[row])

    invitations.revoke_invitation(change.organization, invitation_id=queued.pk)

    assert PendingChange.objects.in_organization(other).open().count() == 1
