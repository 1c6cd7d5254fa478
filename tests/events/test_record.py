"""Record one event per change, with its actor, in the transaction of the change."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from django.db import transaction
from psycopg import sql

from events import registry
from events.models import Event
from events.registry import AlreadyRegistered, EventType, MisnamedEventType, UnknownEventType
from events.services import log
from events.services.log import OutsideTenant
from kit import actor as actors
from kit.actor import Actor
from tenancy import routing
from tenancy.models import TenantSchema
from tests.harness.plugin import DATABASE, WEB_URL, on_database


def list_events(organization, name="thing.painted"):
    with routing.activate(organization):
        return list(Event.objects.filter(type=name))


def test_event_stores_actor_change_and_origin(organization):
    actor = Actor("member", "m-1", ip="192.0.2.7", user_agent="Firefox", request_id="r-1")
    target = uuid4()

    with routing.activate(organization), actors.act_as(actor):
        log.record_event(type="thing.painted", target_id=target, changes={"colour": ("red", None)})

    (event,) = list_events(organization)
    assert (event.actor_kind, event.actor_id) == ("member", "m-1")
    assert (event.target_type, event.target_id) == ("thing", str(target))
    assert event.changes == {"colour": ["red", None]}
    assert (event.ip, event.user_agent, event.request_id) == ("192.0.2.7", "Firefox", "r-1")


def test_event_is_stored_in_its_own_organization_only(
    organization, other_organization, record_event
):
    record_event(organization)

    assert len(list_events(organization)) == 1
    assert list_events(other_organization) == []


def test_event_is_rolled_back_with_its_change(organization, record_event):
    with transaction.atomic():
        record_event(organization)
        transaction.set_rollback(True)

    assert list_events(organization) == []


def test_values_of_each_type_are_stored(organization, record_event):
    moment, identity = datetime(2026, 11, 21, tzinfo=UTC), uuid4()

    record_event(
        organization,
        changes={"at": (None, moment), "by": (identity, None), "price": (1, Decimal("2.5"))},
    )

    (event,) = list_events(organization)
    assert event.changes["at"] == [None, "2026-11-21T00:00:00Z"]
    assert event.changes["by"] == [str(identity), None]
    assert event.changes["price"] == [1, "2.5"]


def test_long_origin_does_not_fail_the_change(organization):
    actor = Actor("client", "c-1", ip="?" * 99, user_agent="x" * 999, request_id="r" * 99)

    with routing.activate(organization), actors.act_as(actor):
        log.record_event(type="thing.painted", target_id="1")

    assert len(list_events(organization)) == 1


def test_nothing_is_recorded_in_the_public_schema(event_types, db):
    with pytest.raises(OutsideTenant, match=r"thing\.painted"):
        log.record_event(type="thing.painted", target_id="1")


def test_unregistered_type_is_refused(organization, record_event):
    with pytest.raises(UnknownEventType):
        record_event(organization, "thing.eaten")


def test_type_may_be_given_by_name_or_object(organization, record_event):
    record_event(organization, registry.get_event_type("thing.moved"))

    assert len(list_events(organization, "thing.moved")) == 1


@pytest.mark.parametrize(
    "name", ["painted", "Thing.painted", "thing.", ".painted", "thing painted"]
)
def test_misnamed_type_is_refused(name):
    with pytest.raises(MisnamedEventType):
        EventType(name, "app", "…")


def test_unknown_family_is_refused():
    with pytest.raises(MisnamedEventType):
        EventType("thing.painted", "things", "…")


def test_type_is_registered_once(event_types):
    with pytest.raises(AlreadyRegistered):
        registry.register_types(EventType("thing.painted", "app", "Again."))


@pytest.fixture
def web_role(db):
    """Open a connection with the web role, in a spare schema."""
    schema = TenantSchema.objects.filter(state=TenantSchema.State.SPARE).values_list(
        "name", flat=True
    )[0]
    with psycopg.connect(on_database(WEB_URL, DATABASE)) as connection:
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events_event SET type = 'thing.moved'",
        "DELETE FROM events_event",
        "TRUNCATE events_event",
        "ALTER TABLE events_event DROP COLUMN ip",
        "DROP TABLE events_event",
    ],
)
def test_web_role_cannot_change_events(web_role, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web_role.execute(statement)


def test_web_role_can_add_and_read_events(web_role):
    web_role.execute(
        "INSERT INTO events_event (id, type, occurred_at, actor_kind, actor_id, target_type, target_id,"
        " changes, details, ip, user_agent, request_id) VALUES (gen_random_uuid(), 'thing.painted',"
        " now(), 'member', '', 'thing', '1', '{}', '{}', '', '', '')"
    )

    assert web_role.execute("SELECT count(*) FROM events_event").fetchone() == (1,)
