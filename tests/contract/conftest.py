"""Two organizations with something in every drawer."""

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
        invited = [world.invite(acme.admin, acme.address(who), role="member") for who in "xy"]
        settle(sandbox, 30)
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
            invited=acme.address("x"),
        )
    return drawers[acme.slug]


def subscribe(company, api, world):
    world.subscribe(company.admin)
    path, token = f"{company.path}/billing/subscription", company.admin.token
    poll(lambda: api.get(path, token=token).json()["is_active"], what="the subscription")
