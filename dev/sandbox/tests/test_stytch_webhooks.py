"""Webhooks of Stytch's half.

One per mutation, signed like Svix, disordered on demand.
"""

import json
from datetime import datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.harness.stack import poll


@pytest.fixture
def happened(control, receiver):
    """Waits until nothing is due.

    Returns the parsed events in order of arrival.
    """

    def wait(**wanted):
        control.post("/webhooks/drain", within=1)
        return receiver.events(**wanted)

    return wait


def kinds(events):
    return [f"{event['source']}.{event['object_type']}.{event['action']}" for event in events]


def renamed(headers):
    lower = {name.lower(): value for name, value in headers.items()}
    return {n.replace("svix-", "webhook-"): v for n, v in lower.items() if n.startswith("svix-")}


def test_own_calls_send_direct_events_in_order(client, acme, ada, happened):
    client.organizations.members.update("acme", ada.member_id, name="Ada L")
    client.organizations.members.delete("acme", ada.member_id)
    client.organizations.update("acme", organization_name="Acme Two")
    client.organizations.delete("acme")

    assert kinds(happened()) == [
        "DIRECT.organization.CREATE",
        "DIRECT.member.CREATE",
        "DIRECT.member.UPDATE",
        "DIRECT.member.DELETE",
        "DIRECT.organization.UPDATE",
        "DIRECT.organization.DELETE",
    ]


def test_event_carries_the_object_but_a_deletion_does_not(client, served, acme, ada, happened):
    client.organizations.members.delete("acme", ada.member_id)

    created, deleted = happened(id=ada.member_id)

    assert created["member"]["email_address"] == "ada@acme.example"
    assert created["member"]["is_admin"]
    assert not [name for name in created["member"] if name.startswith("_")]
    assert created["event_id"].startswith("webhook-event-test-")
    assert deleted.keys() == created.keys() - {"member"}
    assert deleted["project_id"] == served.settings.stytch_project_id
    assert deleted["vertical"] == "B2B"


def test_joining_is_an_event_but_signing_in_again_is_none(client, acme, signed_in, happened):
    client.organizations.members.create("acme", "bob@acme.example", create_member_as_pending=True)
    signed_in("acme", "bob@acme.example")
    signed_in("acme", "bob@acme.example")

    events = happened(object_type="member")

    assert kinds(events) == ["DIRECT.member.CREATE", "DIRECT.member.UPDATE"]
    assert events[1]["member"]["status"] == "active"


def test_signature_is_accepted_by_standard_webhooks(client, served, acme, receiver, happened):
    happened()
    path, headers, body = receiver.received[0]
    verifier = Webhook(served.settings.stytch_webhook_secret)

    assert path == "/webhooks/stytch"
    assert verifier.verify(body, renamed(headers))["id"] == acme.organization_id
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body + b" ", renamed(headers))


def test_signature_uses_real_time_after_the_clock_moved(
    client, control, served, acme, receiver, happened
):
    control.advance(days=40)
    client.organizations.update("acme", organization_name="Later")
    happened()
    _, headers, body = receiver.received[-1]

    assert Webhook(served.settings.stytch_webhook_secret).verify(body, renamed(headers))


def test_dashboard_and_scim_changes_say_where_they_come_from(client, control, acme, ada, happened):
    member = f"/stytch/members/{ada.member_id}"
    control.post(member, roles=["viewer"])
    control.post(member, email_address="ada@new.example", source="scim")
    control.post(f"{member}/delete", source="scim")

    events = happened(id=ada.member_id)

    assert kinds(events)[1:] == [
        "DASHBOARD.member.UPDATE",
        "SCIM.member.UPDATE",
        "SCIM.member.DELETE",
    ]
    assert [role["role_id"] for role in events[1]["member"]["roles"]] == ["stytch_member", "viewer"]
    assert events[2]["member"]["email_address"] == "ada@new.example"


def test_dashboard_adds_members_and_mails_the_invited(client, control, acme, happened):
    place = {"organization_id": acme.organization_id}
    control.post("/stytch/members", **place, email_address="bob@acme.example", status="invited")
    control.post("/stytch/members", **place, email_address="eve@acme.example", source="scim")

    joined = client.magic_links.authenticate(control.mail("bob@acme.example")["token"])

    assert joined.member.status == "active"
    assert kinds(happened(object_type="member", action="CREATE")) == [
        "DASHBOARD.member.CREATE",
        "SCIM.member.CREATE",
    ]


def test_scim_group_gives_a_role_that_the_api_cannot_take(client, control, acme, ada):
    group = {
        "type": "scim_connection_group",
        "details": {"connection_id": "scim-1", "group_id": "g1"},
    }
    implied = [{"role_id": "viewer", "source": group}]
    control.post(f"/stytch/members/{ada.member_id}", implicit_roles=implied, source="scim")

    member = client.organizations.members.update("acme", ada.member_id, roles=[]).member

    assert {role.role_id: role.sources[0].type for role in member.roles} == {
        "stytch_member": "direct_assignment",
        "viewer": "scim_connection_group",
    }


def test_dashboard_deletes_by_status_and_the_sessions_end(client, control, acme, ada, signed_in):
    session = signed_in("acme", "ada@acme.example")

    control.post(f"/stytch/members/{ada.member_id}", status="deleted")

    with pytest.raises(Exception, match="session_not_found"):
        client.sessions.authenticate(session_token=session.session_token)
    assert control.get(f"/stytch/members/{ada.member_id}")["status"] == "deleted"


def test_dashboard_changes_and_deletes_organizations(client, control, happened):
    made = control.post("/stytch/organizations", organization_name="Acme")
    here = f"/stytch/organizations/{made['organization_id']}"
    control.post(here, organization_slug="acme-two")
    control.post(f"{here}/delete")

    assert kinds(happened(id=made["organization_id"])) == [
        "DASHBOARD.organization.CREATE",
        "DASHBOARD.organization.UPDATE",
        "DASHBOARD.organization.DELETE",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"shoe_size": 1},
        {"status": "retired"},
        {"source": "magic"},
        {"roles": "viewer"},
        {"roles": ["emperor"]},
    ],
)
def test_control_refuses_what_it_does_not_know(control, ada, body):
    answer = control.http.post(f"/_sandbox/stytch/members/{ada.member_id}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_webhooks_are_sent_as_requested(client, control, acme, ada, happened):
    late = {"member_id": ada.member_id, "status": "active"}
    client.organizations.members.delete("acme", ada.member_id)
    control.post(
        "/stytch/events", object_type="member", id=ada.member_id, action="UPDATE", document=late
    )

    event = happened(id=ada.member_id)[-1]

    assert (event["source"], event["action"], event["member"]) == ("DASHBOARD", "UPDATE", late)


# Disorder


def test_duplicates_repeat_the_message_id(client, control, receiver, happened):
    control.post("/webhooks", duplicate=2)
    client.organizations.create("Acme")
    happened()

    ids = [headers["svix-id"] for _, headers, _ in receiver.received]
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_dropped_events_never_arrive(client, control, happened):
    control.post("/webhooks", drop=2)
    for name in ("One", "Two", "Three"):
        client.organizations.create(name)

    assert [event["organization"]["organization_name"] for event in happened()] == ["Three"]
    outcomes = [r["outcome"] for r in control.get("/webhooks/deliveries")["deliveries"]]
    assert outcomes == ["dropped", "dropped", "delivered"]


def test_fraction_of_one_drops_everything(client, control, happened):
    control.post("/webhooks", drop=1.0)
    client.organizations.create("Acme")

    assert happened() == []


def test_delay_holds_events_back(client, control, receiver):
    control.post("/webhooks", delay=0.3)
    client.organizations.create("Acme")

    assert control.post("/webhooks/drain", within=1)["pending"] == 0
    record = control.get("/webhooks/deliveries")["deliveries"][0]
    made, sent = (
        datetime.fromisoformat(at) for at in (record["created_at"], record["attempts"][0]["at"])
    )
    assert sent - made >= timedelta(seconds=0.3)
    assert len(receiver.received) == 1


def test_disorder_of_one_vendor_leaves_the_other_alone(client, control, happened):
    control.post("/webhooks", drop=5, vendor="stripe")
    client.organizations.create("Acme")

    assert len(happened()) == 1


def test_refused_event_is_sent_again_with_a_fresh_signature(client, control, receiver, happened):
    receiver.statuses.extend([503, 302])
    client.organizations.create("Acme")

    poll(lambda: len(receiver.received) == 3)
    happened()
    record = control.get("/webhooks/deliveries")["deliveries"][0]

    assert [attempt["status"] for attempt in record["attempts"]] == [503, 302, 200]
    assert record["outcome"] == "delivered"
    assert len({headers["svix-id"] for _, headers, _ in receiver.received}) == 1


def test_any_event_can_be_sent_again(client, control, receiver, happened):
    client.organizations.create("Acme")
    happened()
    record = control.get("/webhooks/deliveries", vendor="stytch")["deliveries"][0]

    control.post("/webhooks/resend", id=record["id"])
    happened()

    assert len(receiver.received) == 2
    assert json.loads(receiver.received[0][2]) == json.loads(receiver.received[1][2])
