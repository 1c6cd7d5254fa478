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
def unheard(drop_webhooks):
    """Nothing Stytch does is told to us."""
    drop_webhooks()


@pytest.fixture
def dead(committed):
    """A pending change of a company about one of its members, whose process died."""

    def make(company, kind="remove", subject=""):
        viewer = Member.objects.select_related("organization").get(pk=company.viewer.member["id"])
        return pending_changes.open_change(
            organization=viewer.organization,
            kind=kind,
            subject=subject or attribution.subject_of_stytch_member(viewer.stytch_member_id),
            lease=timedelta(seconds=-1),
        )

    return make


# ── Stytch has deleted it meanwhile, or will not say ─────────────────────────────────────────


def test_renaming_an_organization_stytch_has_deleted_finds_nothing(
    api, sandbox, company, at_org, unheard
):
    sandbox.delete(f"/stytch/organizations/{at_org(company)}")

    answer = api.patch(company.path, token=company.admin.token, json={"name": "Acme Two"})

    assert answer.status_code == 404
    assert api.get(company.path, token=company.admin.token).status_code == 401


def test_sweeper_settles_the_rename_of_a_deleted_organization(
    sandbox, company, at_org, unheard, dead
):
    sandbox.delete(f"/stytch/organizations/{at_org(company)}")
    change = dead(company, "rename_organization", attribution.ORGANIZATION_SUBJECT)

    settle_pending_changes()

    change.refresh_from_db()
    assert change.state == "lapsed"
    assert Organization.objects.get(pk=company.id).is_deleted


def test_sweeper_goes_on_past_what_stytch_refuses_to_say(
    sandbox, casting, company, at_stytch, dead
):
    body = {"status_code": 400, "request_id": "r", "error_type": "no_way", "error_message": "No."}
    path = f"{ONE_MEMBER}/{at_stytch(company.viewer.member['id'])}"
    sandbox.post("/faults", vendor="stytch", path=path, status=400, times=99, body=body)
    other = dead(casting.company())
    refused = dead(company)  # only now: the worker sweeps by its own clock, too

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
    api, sandbox, company, settled, unheard
):
    email, token = company.address(f"new-{secrets.token_hex(3)}"), company.admin.token
    body = {"email": email, "role": "admin"}
    made = api.post(f"{company.path}/invitations", token=token, json=body).json()
    target = f"{company.path}/invitations/{made['id']}"
    slow = {"path": "/members/", "method": "DELETE", "timeout": 0.9, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **slow)

    with ThreadPoolExecutor(1) as pool:
        revoking = pool.submit(api.delete, target, token=token)
        poll(
            lambda: PendingChange.objects.open().filter(organization_id=company.id), what="step one"
        )
        again = api.post(f"{target}/resend", token=token)

    assert (revoking.result().status_code, again.json()["code"]) == (204, "change_in_progress")
    assert api.get(target, token=token).json()["status"] == "revoked"
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1


def test_admin_who_revokes_what_was_just_accepted_has_removed_the_member(
    api, sandbox, world, company, history, settled, unheard
):
    email = company.address(f"new-{secrets.token_hex(3)}")
    made = world.invite(company.admin, email, role="viewer")
    held = {"path": "/magic_links/authenticate", "timeout": 0.9, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **held)

    with ThreadPoolExecutor(1) as pool:
        accepting = pool.submit(world.accept, email)
        poll(lambda: sandbox.requests("stytch", "POST", held["path"]), what="the acceptance")
        target = f"{company.path}/invitations/{made['id']}"
        slow = {"path": "/members/", "method": "DELETE", "timeout": 1.5, "after_effect": True}
        sandbox.post("/faults", vendor="stytch", **slow)
        revoked = api.delete(target, token=company.admin.token)
        joined = accepting.result().member

    settled()
    assert revoked.status_code == 204
    (event,) = history(company, "member.removed", joined["id"])
    assert event["actor"]["id"] == company.admin.member["id"]


def test_invitation_of_a_bulk_waits_until_stytch_is_back(api, sandbox, company, committed):
    email = company.address(f"new-{secrets.token_hex(3)}")
    sandbox.post("/faults", vendor="stytch", path=INVITE, status=503, times=1000)
    asked = len(sandbox.requests("stytch", "POST", INVITE))
    body = {"invitations": [{"email": email, "role": "viewer"}]}
    api.post(f"{company.path}/invitations/bulk", token=company.admin.token, json=body)
    ours = PendingChange.objects.filter(organization_id=company.id, details__email=email).open()
    twice = asked + 2
    poll(lambda: len(sandbox.requests("stytch", "POST", INVITE)) >= twice, what="two attempts")

    hour = timedelta(hours=1)
    assert ours.update(created_at=F("created_at") - hour, expires_at=F("expires_at") - hour) == 1
    settle_pending_changes()
    sandbox.delete("/faults")

    assert sandbox.mail(email, "invite")


def test_giver_who_was_made_a_viewer_meanwhile_is_not_made_a_member(company, committed):
    giver = Member.objects.select_related("organization").get(pk=company.admin.member["id"])
    organization = giver.organization
    members.change_role(organization, member_id=company.member.member["id"], role=Role.ADMIN)
    members.change_role(organization, member_id=giver.pk, role=Role.VIEWER)

    members.transfer_admin(organization, member_id=company.viewer.member["id"], giver=giver)

    giver.refresh_from_db()
    assert giver.role == Role.VIEWER


# ── One slug, two organizations ──────────────────────────────────────────────────────────────


def test_new_owner_of_a_freed_slug_is_not_named_in_the_former_owners_log(
    api, sandbox, casting, company, at_org, settled, unheard
):
    other = casting.company("globex")
    renamed = {"organization_slug": f"{other.slug}-new"}
    sandbox.post(f"/stytch/organizations/{at_org(other)}", **renamed)

    taken = api.patch(company.path, token=company.admin.token, json={"slug": other.slug})

    assert taken.json()["slug"] == other.slug
    settled()
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
            stytch_org_id=f"organization-test-{name}-{number}", name=name, slug=f"{slug}-{number}"
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


def test_first_event_of_an_organization_names_no_member_of_another(api, sandbox, company, unheard):
    slug = f"new-{secrets.token_hex(4)}"
    there = sandbox.post("/stytch/organizations", organization_name="New", organization_slug=slug)
    who = {"organization_id": there["organization_id"], "email_address": company.address("ada")}
    sandbox.post("/stytch/members", roles=["stytch_admin"], email_address_verified=True, **who)

    switched = api.post(
        "/v1/auth/sessions/switch",
        token=company.admin.token,
        json={"organization_id": there["organization_id"]},
    ).json()

    log = f"/v1/organizations/{slug}/events"
    events = api.get(log, token=switched["session_jwt"]).json()["results"]
    assert "organization.created" in {event["type"] for event in events}
    assert company.admin.member["id"] not in {event["actor"]["id"] for event in events}


def test_blocked_person_is_given_no_session(api, world, company, history, committed):
    blocked = Member.objects.get(pk=company.viewer.member["id"])
    User.objects.filter(pk=blocked.user_id).update(is_active=False)
    found = world.discover(company.address("vic"))
    signed_in = len(history(company, "session.created"))

    answer = api.post(
        "/v1/auth/sessions",
        json={
            "intermediate_session_token": found["intermediate_session_token"],
            "organization_id": company.id,
        },
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_session")
    assert len(history(company, "session.created")) == signed_in


def test_name_the_database_cannot_hold_stops_nothing(api, sandbox, company, at_stytch, settled):
    url = f"{SANDBOX_URL}/_sandbox/stytch/members/{at_stytch(company.viewer.member['id'])}"
    httpx.post(url, content=json.dumps({"name": "V\0ic", "roles": []})).raise_for_status()

    settled()

    shown = api.get(
        f"{company.path}/members/{company.viewer.member['id']}", token=company.admin.token
    ).json()
    assert (shown["name"], shown["role"]) == ("Vic", "member")


@pytest.mark.parametrize(("told", "kept"), [("a\0b", "ab"), ("a\ud800b", "ab"), ("ä💶", "ä💶")])
def test_text_is_read_as_the_database_can_hold_it(told, kept):
    assert parse._strip_unstorable(told) == kept
