"""Provide two organizations, and clients with sessions of their members."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from events import registry
from events.registry import EventType
from events.services import log
from kit import actor as actors
from kit.actor import Actor
from kit.ids import uuid7
from tenancy import routing
from tenancy.services import organizations


@dataclass
class SessionBinding:
    """Hold the organization, member and permissions of a session, as identity does."""

    organization: Any
    member: Any = field(default_factory=lambda: SimpleNamespace(id=uuid4(), role="admin"))
    session_id: str = "session-1"
    permissions: frozenset = frozenset({"event.read"})


@pytest.fixture
def event_types(monkeypatch):
    """Register two event types for one test."""
    monkeypatch.setattr(registry, "_types", dict(registry._types))
    monkeypatch.setattr(registry, "_names", {})
    registry.register_types(
        EventType("thing.painted", "app", "A thing has another colour."),
        EventType("thing.moved", "app", "A thing is elsewhere."),
    )


@pytest.fixture
def organization(db, event_types):
    """Create the organization Acme in a transaction that is rolled back."""
    return organizations.create_organization(
        stytch_org_id="organization-acme", name="Acme", slug="acme"
    )


@pytest.fixture
def other_organization(db, event_types):
    """Create the organization Globex in a transaction that is rolled back."""
    return organizations.create_organization(
        stytch_org_id="organization-globex", name="Globex", slug="globex"
    )


@pytest.fixture
def record_event():
    """Return a function that records an event of a member."""

    def write(organization, name="thing.painted", *, by=None, target=None, **fields):
        actor = Actor(kind="member", id=str(by or uuid7()))
        with routing.activate(organization), actors.act_as(actor):
            return log.record_event(type=name, target_id=target or uuid7(), **fields)

    return write


@pytest.fixture
def build_client():
    """Return a function that builds an API client of an organization's admin."""

    def client_of(organization, **fields):
        client = APIClient()
        person = SimpleNamespace(is_authenticated=True, is_active=True, pk=uuid4())
        client.force_authenticate(user=person, token=SessionBinding(organization, **fields))
        return client

    return client_of
