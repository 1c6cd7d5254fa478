"""Changes that meet one another, organizations that want one slug, and people who are blocked."""

import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from identity.directories.stytch import parse
from identity.directories.types import OrganizationSnapshot
from identity.models import Member, PendingChange, User
from identity.roles import Role
from identity.services import members, pending_changes
from identity.sync import apply, attribution
from identity.tasks import settle_pending_changes
from kit.ids import uuid7
from tenancy.models import Organization
from tests.harness.plugin import SANDBOX_URL
from tests.harness.stack import poll

ONE_MEMBER = "/v1/b2b/organizations/members/dangerously_get"
INVITE = "/v1/b2b/magic_links/email/invite"


@pytest.fixture
def webhooks_dropped(drop_webhooks):
    """Nothing Stytch does is told to us."""
    drop_webhooks()


@pytest.fixture
def create_stale_change(committed):
    """A pending change of an organization about one of its members, whose process died."""

    def make(organization, kind="remove", subject=""):
        viewer = Member.objects.select_related("organization").get(
            pk=organization.viewer.member["id"]
        )
        return pending_changes.open_change(
            organization=viewer.organization,
            kind=kind,
            subject=subject or attribution.subject_of_stytch_member(viewer.stytch_member_id),
            lease=timedelta(seconds=-1),
        )

    return make


# ── Stytch has deleted it meanwhile, or will not say ─────────────────────────────────────────


def test_renaming_an_organization_stytch_has_deleted_finds_nothing(
    api, sandbox, new_organization, at_org, webhooks_dropped
):
    sandbox.delete(f"/stytch/organizations/{at_org(new_organization)}")

    answer = api.patch(
        new_organization.path, token=new_organization.admin.token, json={"name": "Acme Two"}
    )

    assert answer.status_code == 404
    assert api.get(new_organization.path, token=new_organization.admin.token).status_code == 401


def test_sweeper_settles_the_rename_of_a_deleted_organization(
    sandbox, new_organization, at_org, webhooks_dropped, create_stale_change
):
    sandbox.delete(f"/stytch/organizations/{at_org(new_organization)}")
    change = create_stale_change(
        new_organization, "rename_organization", attribution.ORGANIZATION_SUBJECT
    )

    settle_pending_changes()

    change.refresh_from_db()
    assert change.state == "lapsed"
    assert Organization.objects.get(pk=new_organization.id).is_deleted


def test_sweeper_goes_on_past_what_stytch_refuses_to_say(
    sandbox, organization_factory, new_organization, at_stytch, create_stale_change
):
    body = {"status_code": 400, "request_id": "r", "error_type": "no_way", "error_message": "No."}
    path = f"{ONE_MEMBER}/{at_stytch(new_organization.viewer.member['id'])}"
    sandbox.post("/faults", vendor="stytch", path=path, status=400, times=99, body=body)
    other = create_stale_change(organization_factory.create_organization())
    refused = create_stale_change(
        new_organization
    )  # only now: the worker sweeps by its own clock, too

    settle_pending_changes()

    states = dict(
        PendingChange.objects.filter(pk__in=[refused.pk, other.pk]).values_list("pk", "state")
    )
    assert states == {refused.pk: "open", other.pk: "lapsed"}
    sandbox.delete("/faults")
    settle_pending_changes()
    refused.refresh_from_db()
    assert refused.state == "lapsed"


# ── One invitation, two wishes ───────────────────────────────────────────────────────────────


def test_invitation_is_not_mailed_again_while_it_is_being_revoked(
    api, sandbox, new_organization, wait_until_settled, webhooks_dropped
):
    email, token = (
        new_organization.address(f"new-{secrets.token_hex(3)}"),
        new_organization.admin.token,
    )
    body = {"email": email, "role": "admin"}
    made = api.post(f"{new_organization.path}/invitations", token=token, json=body).json()
    target = f"{new_organization.path}/invitations/{made['id']}"
    slow = {"path": "/members/", "method": "DELETE", "timeout": 0.9, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **slow)

    with ThreadPoolExecutor(1) as pool:
        revoking = pool.submit(api.delete, target, token=token)
        poll(
            lambda: PendingChange.objects.open().filter(organization_id=new_organization.id),
            what="step one",
        )
        again = api.post(f"{target}/resend", token=token)

    assert (revoking.result().status_code, again.json()["code"]) == (204, "change_in_progress")
    assert api.get(target, token=token).json()["status"] == "revoked"
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1


def test_admin_who_revokes_what_was_just_accepted_has_removed_the_member(
    api, sandbox, front_end, new_organization, history, wait_until_settled, webhooks_dropped
):
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    made = front_end.invite(new_organization.admin, email, role="viewer")
    held = {"path": "/magic_links/authenticate", "timeout": 0.9, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **held)

    with ThreadPoolExecutor(1) as pool:
        accepting = pool.submit(front_end.accept, email)
        poll(lambda: sandbox.requests("stytch", "POST", held["path"]), what="the acceptance")
        target = f"{new_organization.path}/invitations/{made['id']}"
        slow = {"path": "/members/", "method": "DELETE", "timeout": 1.5, "after_effect": True}
        sandbox.post("/faults", vendor="stytch", **slow)
        revoked = api.delete(target, token=new_organization.admin.token)
        joined = accepting.result().member

    wait_until_settled()
    assert revoked.status_code == 204
    (event,) = history(new_organization, "member.removed", joined["id"])
    assert event["actor"]["id"] == new_organization.admin.member["id"]


def test_invitation_of_a_bulk_waits_until_stytch_is_back(api, sandbox, new_organization, committed):
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    sandbox.post("/faults", vendor="stytch", path=INVITE, status=503, times=1000)
    asked = len(sandbox.requests("stytch", "POST", INVITE))
    body = {"invitations": [{"email": email, "role": "viewer"}]}
    api.post(
        f"{new_organization.path}/invitations/bulk", token=new_organization.admin.token, json=body
    )
    ours = PendingChange.objects.filter(
        organization_id=new_organization.id, details__email=email
    ).open()
    twice = asked + 2
    poll(lambda: len(sandbox.requests("stytch", "POST", INVITE)) >= twice, what="two attempts")

    hour = timedelta(hours=1)
    assert ours.update(created_at=F("created_at") - hour, expires_at=F("expires_at") - hour) == 1
    settle_pending_changes()
    sandbox.delete("/faults")

    assert sandbox.mail(email, "invite")


def test_giver_who_was_made_a_viewer_meanwhile_is_not_made_a_member(new_organization, committed):
    giver = Member.objects.select_related("organization").get(
        pk=new_organization.admin.member["id"]
    )
    organization = giver.organization
    members.change_role(
        organization, member_id=new_organization.member.member["id"], role=Role.ADMIN
    )
    members.change_role(organization, member_id=giver.pk, role=Role.VIEWER)

    members.transfer_admin(
        organization, member_id=new_organization.viewer.member["id"], giver=giver
    )

    giver.refresh_from_db()
    assert giver.role == Role.VIEWER


# ── One slug, two organizations ──────────────────────────────────────────────────────────────


def test_new_owner_of_a_freed_slug_is_not_named_in_the_former_owners_log(
    api,
    sandbox,
    organization_factory,
    new_organization,
    at_org,
    wait_until_settled,
    webhooks_dropped,
):
    other = organization_factory.create_organization("globex")
    renamed = {"organization_slug": f"{other.slug}-new"}
    sandbox.post(f"/stytch/organizations/{at_org(other)}", **renamed)

    taken = api.patch(
        new_organization.path, token=new_organization.admin.token, json={"slug": other.slug}
    )

    assert taken.json()["slug"] == other.slug
    wait_until_settled()
    log = f"/v1/organizations/{other.id}/events"
    query = {"type": "organization.updated"}
    events = api.get(log, token=other.admin.token, params=query).json()["results"]
    assert {(event["actor"]["kind"], event["ip"]) for event in events} == {("vendor", "")}


@pytest.fixture
def twins():
    """Two organizations that want one slug; the second writes it in capitals if asked to."""
    number = uuid7().hex[-8:]

    def snapshot(name, slug):
        return OrganizationSnapshot(
            read_at=timezone.now(),
            stytch_org_id=f"organization-test-{name}-{number}",
            name=name,
            slug=f"{slug}-{number}",
        )

    return snapshot


def apply_alone(snapshot, together):
    together.wait()
    try:
        return apply.apply_snapshot(snapshot).organization
    finally:
        connection.close()


def test_slug_in_capitals_never_takes_anothers_address(db, twins):
    ours, capitals = twins("ours", "acme"), twins("theirs", "ACME")
    first = apply.apply_snapshot(ours).organization

    for snapshot in (capitals, ours, capitals, ours):
        apply.apply_snapshot(snapshot)

    theirs = Organization.objects.get(stytch_org_id=capitals.stytch_org_id)
    first.refresh_from_db()
    assert first.slug == ours.slug
    assert theirs.slug.startswith(f"{ours.slug}~")
    apply.apply_snapshot(twins("theirs", "other"))
    theirs.refresh_from_db()
    assert theirs.slug == twins("theirs", "other").slug


def test_two_organizations_met_at_once_with_one_slug_both_arrive(committed, twins):
    pair = [twins(name, "acme") for name in ("one", "two")]

    with ThreadPoolExecutor(2) as pool:
        together = threading.Barrier(2, timeout=10)
        made = list(pool.map(lambda snapshot: apply_alone(snapshot, together), pair))

    slugs = Organization.objects.filter(pk__in=[one.pk for one in made]).values_list("slug")
    assert len(set(slugs)) == 2


# ── People ───────────────────────────────────────────────────────────────────────────────────


def test_first_event_of_an_organization_names_no_member_of_another(
    api, sandbox, new_organization, webhooks_dropped
):
    slug = f"new-{secrets.token_hex(4)}"
    there = sandbox.post("/stytch/organizations", organization_name="New", organization_slug=slug)
    who = {
        "organization_id": there["organization_id"],
        "email_address": new_organization.address("ada"),
    }
    sandbox.post("/stytch/members", roles=["stytch_admin"], email_address_verified=True, **who)

    switched = api.post(
        "/v1/auth/sessions/switch",
        token=new_organization.admin.token,
        json={"organization_id": there["organization_id"]},
    ).json()

    log = f"/v1/organizations/{slug}/events"
    events = api.get(log, token=switched["session_jwt"]).json()["results"]
    assert "organization.created" in {event["type"] for event in events}
    assert new_organization.admin.member["id"] not in {event["actor"]["id"] for event in events}


def test_blocked_person_is_given_no_session(api, front_end, new_organization, history, committed):
    blocked = Member.objects.get(pk=new_organization.viewer.member["id"])
    User.objects.filter(pk=blocked.user_id).update(is_active=False)
    found = front_end.discover(new_organization.address("vic"))
    signed_in = len(history(new_organization, "session.created"))

    answer = api.post(
        "/v1/auth/sessions",
        json={
            "intermediate_session_token": found["intermediate_session_token"],
            "organization_id": new_organization.id,
        },
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_session")
    assert len(history(new_organization, "session.created")) == signed_in


def test_name_the_database_cannot_hold_stops_nothing(
    api, sandbox, new_organization, at_stytch, wait_until_settled
):
    url = f"{SANDBOX_URL}/_sandbox/stytch/members/{at_stytch(new_organization.viewer.member['id'])}"
    httpx.post(url, content=json.dumps({"name": "V\0ic", "roles": []})).raise_for_status()

    wait_until_settled()

    proofs = api.get(
        f"{new_organization.path}/members/{new_organization.viewer.member['id']}",
        token=new_organization.admin.token,
    ).json()
    assert (proofs["name"], proofs["role"]) == ("Vic", "member")


@pytest.mark.parametrize(("received", "kept"), [("a\0b", "ab"), ("a\ud800b", "ab"), ("ä💶", "ä💶")])
def test_text_is_read_as_the_database_can_hold_it(received, kept):
    assert parse._strip_unstorable(received) == kept
