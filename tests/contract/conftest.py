"""Two organizations with something in every drawer."""

import secrets

import pytest

from tests.contract.table import Belongings
from tests.harness.settling import settle
from tests.harness.stack import poll


@pytest.fixture(scope="session")
def drawers():
    return {}


@pytest.fixture
def acme(casting):
    return casting.lent("contract-acme")


@pytest.fixture
def globex(casting):
    return casting.lent("contract-globex")


@pytest.fixture
def owned(acme, api, world, sandbox, committed, drawers):
    """What acme has; it pays, so that billing's drawers are full too."""
    if acme.slug not in drawers:
        subscribe(acme, api, world)
        # Addresses of this attempt: after a failed one, the next begins here again.
        people = [acme.address(f"new-{secrets.token_hex(3)}") for _ in range(2)]
        invited = [world.invite(acme.admin, person, role="member") for person in people]
        settle(sandbox, 60)
        token = acme.admin.token
        events = api.get(f"{acme.path}/events", token=token).json()["results"]
        sessions = api.get("/v1/me/sessions", token=token).json()["results"]
        drawers[acme.slug] = Belongings(
            slug=acme.slug,
            id=acme.id,
            member_id=acme.member.member["id"],
            invitation_id=invited[0]["id"],
            event_id=events[0]["id"],
            session_id=sessions[0]["id"],
            email=acme.address("grace"),
            invited=people[0],
        )
    return drawers[acme.slug]


def subscribe(company, api, world):
    path, token = f"{company.path}/billing/subscription", company.admin.token

    def is_active():
        return api.get(path, token=token).json()["is_active"]

    if not is_active():
        world.subscribe(company.admin)
        poll(is_active, what="the subscription")
