"""What happens at Stytch without us reaches us: dashboard, SCIM, in any order, however late."""

import json
import secrets
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from standardwebhooks import Webhook

from identity.directories.stytch import webhooks
from identity.models import Member, Status
from tenancy.models import Organization
from tenancy.services import schema_pool
from tests.harness.stack import poll
from webhooks.inbound.models import InboundEvent
from webhooks.inbound.registry import BadSignature

SECRET = "whsec_c2FuZGJveC1zdHl0Y2gtd2ViaG9vay1zZWNyZXQ="


def member(organization, role="member"):
    return Member.objects.get(pk=getattr(organization, role).member["id"])


def test_role_changed_in_the_dashboard_is_followed(
    sandbox, new_organization, at_stytch, history, wait_until_settled
):
    member_id = at_stytch(new_organization.viewer.member["id"])

    sandbox.post(f"/stytch/members/{member_id}", roles=["stytch_admin"])

    wait_until_settled()
    assert member(new_organization, "viewer").role == "admin"
    (event,) = history(new_organization, "member.role_changed")
    assert (event["actor"]["kind"], event["actor"]["id"]) == ("vendor", "stytch")


@pytest.mark.parametrize("kind", ["organization", "member"])
def test_event_of_an_organization_that_a_sign_up_is_making_waits_for_it(sandbox, committed, kind):
    with schema_pool.reserve_schema() as reservation:
        made = sandbox.post("/stytch/organizations", organization_name="New")
        stytch_org_id = made["organization_id"]
        if kind == "member":
            sandbox.post(
                "/stytch/members", organization_id=stytch_org_id, email_address="ada@new.example"
            )
        poll(lambda: retried(kind, stytch_org_id), what="the event to be tried and put off")
        assert not Organization.objects.filter(stytch_org_id=stytch_org_id).exists()
        assert reservation.reserved_until > timezone.now()

    poll(
        lambda: Organization.objects.filter(stytch_org_id=stytch_org_id).exists(),
        what="the organization",
    )


def retried(kind, stytch_org_id):
    """Return whether an event about the organization, or a member of it, was put off."""
    events = InboundEvent.objects.filter(
        type__contains=f".{kind}.", payload__contains=stytch_org_id, last_error="again in 2 s"
    )
    return events.exists()


def test_removal_by_scim_ends_access(api, sandbox, new_organization, at_stytch, wait_until_settled):
    member_id = at_stytch(new_organization.member.member["id"])

    sandbox.post(f"/stytch/members/{member_id}/delete", source="scim")

    wait_until_settled()
    assert member(new_organization).status == Status.REMOVED
    assert api.get("/v1/me", token=new_organization.member.token).status_code == 401


def test_old_webhooks_after_a_removal_bring_no_member_back(
    sandbox, new_organization, at_stytch, history, wait_until_settled
):
    member_id = at_stytch(new_organization.member.member["id"])
    sandbox.post(f"/stytch/members/{member_id}/delete", source="scim")
    wait_until_settled()

    for action in ("UPDATE", "CREATE", "DELETE"):
        sandbox.post("/stytch/events", object_type="member", id=member_id, action=action)

    wait_until_settled()
    assert member(new_organization).status == Status.REMOVED
    assert len(history(new_organization, "member.removed")) == 1


def test_shuffled_and_repeated_news_end_in_the_truth(
    sandbox, new_organization, at_stytch, history, wait_until_settled
):
    sandbox.post("/webhooks", shuffle=True, duplicate=2, delay=0.2, vendor="stytch")
    member_id = at_stytch(new_organization.member.member["id"])

    for roles in (["stytch_admin"], ["viewer"], [], ["viewer"]):
        sandbox.post(f"/stytch/members/{member_id}", roles=roles)

    wait_until_settled()
    assert member(new_organization).role == "viewer"
    changes = [
        event["changes"]["role"] for event in history(new_organization, "member.role_changed")
    ]
    assert all(before != after for before, after in changes)
    assert changes[-1][1] == "viewer"


def test_member_of_an_organization_we_have_not_met_brings_it_along(sandbox, wait_until_settled):
    name = f"direct-{secrets.token_hex(4)}"
    sandbox.post("/webhooks", drop=1, vendor="stytch")
    made = sandbox.post("/stytch/organizations", organization_name="Direct", organization_slug=name)

    sandbox.post(
        "/stytch/members",
        organization_id=made["organization_id"],
        email_address=f"ada@{name}.example",
        roles=["stytch_admin"],
    )

    wait_until_settled()
    organization = Organization.objects.get(stytch_org_id=made["organization_id"])
    assert organization.slug == name
    assert Member.objects.in_organization(organization).admins().count() == 1


def test_renaming_in_the_dashboard_is_followed(
    api, sandbox, new_organization, at_org, wait_until_settled
):
    sandbox.post(f"/stytch/organizations/{at_org(new_organization)}", organization_name="Renamed")

    wait_until_settled()
    proofs = api.get(new_organization.path, token=new_organization.viewer.token).json()
    assert proofs["name"] == "Renamed"


def test_deletion_at_stytch_closes_the_organization(
    api, sandbox, new_organization, at_org, wait_until_settled
):
    sandbox.post(f"/stytch/organizations/{at_org(new_organization)}/delete")

    wait_until_settled()
    assert Organization.objects.get(pk=new_organization.id).is_deleted
    assert api.get(new_organization.path, token=new_organization.admin.token).status_code == 401


def test_organization_left_without_an_admin_is_given_one_by_command(
    api, sandbox, new_organization, at_stytch, wait_until_settled
):
    sandbox.post(
        f"/stytch/members/{at_stytch(new_organization.admin.member['id'])}/delete", source="scim"
    )
    wait_until_settled()

    call_command("promote_member", new_organization.slug, new_organization.address("grace"))

    events = api.get(
        f"{new_organization.path}/events?type=organization.admin_lost",
        token=new_organization.member.token,
    )
    assert events.status_code == 200
    assert len(events.json()["results"]) == 1
    promoted = api.get(
        f"{new_organization.path}/events?type=member.role_changed",
        token=new_organization.member.token,
    )
    assert promoted.json()["results"][0]["actor"]["kind"] == "operator"


def test_promoting_an_unknown_account_is_refused(new_organization, committed):
    with pytest.raises(CommandError):
        call_command("promote_member", new_organization.slug, "nobody@nowhere.example")


def test_our_own_change_is_told_once_however_often_it_echoes(
    api, sandbox, new_organization, history, wait_until_settled
):
    sandbox.post("/webhooks", duplicate=3, vendor="stytch")

    target = f"{new_organization.path}/members/{new_organization.viewer.member['id']}"
    api.patch(target, token=new_organization.admin.token, json={"role": "member"})
    api.delete(target, token=new_organization.admin.token)

    wait_until_settled()
    assert len(history(new_organization, "member.role_changed")) == 1
    (event,) = history(new_organization, "member.removed")
    assert event["actor"]["id"] == new_organization.admin.member["id"]


# ── The source itself ────────────────────────────────────────────────────────────────────────


def signed(body, moment=None):
    moment = moment or datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", moment, body)
    stamp = str(int(moment.timestamp()))
    return {"Svix-Id": "msg_1", "Svix-Timestamp": stamp, "Svix-Signature": signature}


def test_svix_signature_is_accepted_under_its_own_header_names():
    webhooks.verify_signature(b'{"a": 1}', signed('{"a": 1}'), SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Svix-Id": "msg_1", "Svix-Timestamp": "now", "Svix-Signature": "v1,x"},
        {**signed('{"a": 1}'), "Svix-Signature": "without-a-comma"},
        {**signed('{"a": 1}'), "Svix-Id": "msg_2"},
        signed('{"a": 2}'),
        signed('{"a": 1}', datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_any_other_signature_is_refused(headers):
    with pytest.raises(BadSignature):
        webhooks.verify_signature(b'{"a": 1}', headers, SECRET)


def test_event_is_read_for_its_ids_alone():
    event = {
        "action": "DELETE", "event_id": "webhook-event-test-1", "id": "member-test-1",
        "object_type": "member", "project_id": "project-test-1", "source": "SCIM",
        "timestamp": "2026-11-21T03:05:05.678901Z", "new_field": {},
    }  # fmt: skip

    hint = webhooks.parse_event(json.dumps(event).encode())

    assert (hint.external_id, hint.type) == ("webhook-event-test-1", "scim.member.delete")
    assert (hint.object_key, hint.livemode) == ("member-test-1", False)
    assert hint.occurred_at == datetime(2026, 11, 21, 3, 5, 5, 678901, tzinfo=UTC)


def test_pull_repairs_what_was_lost_and_finds_nothing_the_second_time(
    api, sandbox, new_organization, at_stytch, at_org, capsys, drop_webhooks
):
    drop_webhooks()
    sandbox.post(f"/stytch/members/{at_stytch(new_organization.viewer.member['id'])}/delete")
    sandbox.post(
        f"/stytch/members/{at_stytch(new_organization.member.member['id'])}", roles=["viewer"]
    )
    email = new_organization.address("new")
    sandbox.post("/stytch/members", organization_id=at_org(new_organization), email_address=email)

    call_command("pull_directory", organization=new_organization.slug, dry_run=True)
    assert "3 found" in capsys.readouterr().out
    assert member(new_organization).role == "member"

    call_command("pull_directory", organization=new_organization.slug)
    assert "3 repaired" in capsys.readouterr().out
    assert member(new_organization, "viewer").status == Status.REMOVED
    assert member(new_organization).role == "viewer"
    assert Member.objects.filter(organization_id=new_organization.id, email=email).exists()

    call_command("pull_directory", organization=new_organization.slug)
    assert "0 repaired" in capsys.readouterr().out


def test_pull_of_all_adds_organizations_without_webhook(sandbox, capsys, drop_webhooks):
    drop_webhooks()
    slug = f"unheard-{secrets.token_hex(4)}"
    sandbox.post("/stytch/organizations", organization_name="Unheard", organization_slug=slug)

    call_command("pull_directory", all=True)

    assert Organization.objects.filter(slug=slug).exists()
