"""Read the audit trail: filters, pages, names, and only one's own."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from events import registry

EVENTS = "/v1/organizations/{}/events"


def list_events(client, slug="acme", **query):
    answer = client.get(EVENTS.format(slug), {"type": "thing.painted", **query})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_event_is_shown_in_full(organization, record_event, build_client):
    member = uuid4()
    event = record_event(
        organization, by=member, changes={"colour": (None, "red")}, details={"why": "faded"}
    )

    (shown,) = list_events(build_client(organization))

    assert shown == {
        "id": str(event.pk),
        "type": "thing.painted",
        "occurred_at": event.occurred_at.isoformat().replace("+00:00", "Z"),
        "actor": {"kind": "member", "id": str(member), "name": None},
        "target": {"type": "thing", "id": event.target_id, "name": None},
        "changes": {"colour": [None, "red"]},
        "details": {"why": "faded"},
        "ip": "",
        "user_agent": "",
        "request_id": "",
    }


def test_one_event_is_shown_alone(organization, record_event, build_client):
    event = record_event(organization)

    shown = build_client(organization).get(f"{EVENTS.format('acme')}/{event.pk}")

    assert shown.json() == list_events(build_client(organization))[0]


def test_newest_event_is_first_by_default(organization, record_event, build_client):
    ids = [str(record_event(organization).pk) for _ in range(3)]

    assert [event["id"] for event in list_events(build_client(organization))] == ids[::-1]
    assert [
        event["id"] for event in list_events(build_client(organization), ordering="occurred_at")
    ] == ids


def test_pages_contain_each_event_once(organization, record_event, build_client):
    ids = [str(record_event(organization).pk) for _ in range(5)]
    client, seen = build_client(organization), []
    address = f"{EVENTS.format('acme')}?type=thing.painted&limit=2"

    while address:
        page = client.get(address).json()
        seen += [event["id"] for event in page["results"]]
        address = page["next"]

    assert seen == ids[::-1]


def test_filters_reduce_the_list(organization, record_event, build_client):
    one, other = uuid4(), uuid4()
    wanted = record_event(organization, by=one, target=other)
    record_event(organization, "thing.moved")
    client = build_client(organization)

    for query in ({"type": "thing.painted"}, {"actor": one}, {"target": other}):
        answer = client.get(EVENTS.format("acme"), query).json()
        assert [event["id"] for event in answer["results"]] == [str(wanted.pk)]


def test_period_includes_its_start_and_excludes_its_end(organization, record_event, build_client):
    event = record_event(organization)
    moment, later = event.occurred_at, event.occurred_at + timedelta(seconds=1)
    client = build_client(organization)

    assert len(list_events(client, since=moment.isoformat(), until=later.isoformat())) == 1
    assert list_events(client, until=moment.isoformat()) == []
    assert list_events(client, since=later.isoformat()) == []


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+23:59"},
        {"until": "9999-12-31T23:59:59-23:59"},
        {"ordering": "ip"},
        {"who": "me"},
        {"limit": "0"},
        {"actor": "a" * 129},
    ],
)
def test_bad_query_is_refused_by_name(organization, build_client, query):
    answer = build_client(organization).get(EVENTS.format("acme"), query)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"?{next(iter(query))}"


def test_names_are_fetched_once_per_page(organization, record_event, build_client):
    calls = []

    def fetch_names(ids):
        calls.append(set(ids))
        return dict.fromkeys(ids, "Ada")

    registry.register_names("member", fetch_names)
    for _ in range(3):
        record_event(organization)

    shown = list_events(build_client(organization))

    assert [event["actor"]["name"] for event in shown] == ["Ada"] * 3
    assert len(calls) == 1


def test_query_count_does_not_grow_with_events(organization, record_event, build_client):
    client, costs = build_client(organization), []
    for _ in range(2):
        record_event(organization)
        with CaptureQueriesContext(connection) as calls:
            list_events(client)
        costs.append(len([query for query in calls if "events_event" in query["sql"]]))

    assert costs == [1, 1]


def test_audit_trail_of_another_organization_is_not_found(
    organization, other_organization, record_event, build_client
):
    event = record_event(other_organization)
    outsider = build_client(organization)

    assert outsider.get(EVENTS.format("globex")).status_code == 404
    assert outsider.get(f"{EVENTS.format('globex')}/{event.pk}").status_code == 404
    assert outsider.get(f"{EVENTS.format('acme')}/{event.pk}").status_code == 404


def test_audit_trail_requires_a_session(organization):
    assert APIClient().get(EVENTS.format("acme")).status_code == 401


def test_audit_trail_requires_the_permission(organization, build_client):
    answer = build_client(organization, permissions=frozenset()).get(EVENTS.format("acme"))

    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_audit_trail_is_read_only(organization, record_event, build_client, method):
    event = record_event(organization)

    answer = getattr(build_client(organization), method)(f"{EVENTS.format('acme')}/{event.pk}", {})

    assert answer.status_code == 405


def test_event_types_have_a_family_and_a_target(organization, build_client):
    page = build_client(organization).get("/v1/organizations/acme/event-types").json()

    types = {type_["name"]: type_ for type_ in page["results"]}
    assert types["thing.painted"] == {
        "name": "thing.painted",
        "family": "app",
        "description": "A thing has another colour.",
        "target": "thing",
    }
    assert list(types) == sorted(types)
    assert (page["next"], page["previous"]) == (None, None)


def test_event_has_the_time_of_the_change(organization, record_event):
    before = timezone.now()

    assert before <= record_event(organization).occurred_at <= timezone.now()
