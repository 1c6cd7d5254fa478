"""Stytch's half of the sandbox: the B2B API as its own SDK speaks it."""

from starlette.routing import BaseRoute

from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:  # noqa: ARG001
    """Return the API below `/v1/b2b`."""
    return []


def control(world: World) -> list[BaseRoute]:  # noqa: ARG001
    """Return the control routes below `/_sandbox`."""
    return []


def pages(world: World) -> list[BaseRoute]:  # noqa: ARG001
    """Return the pages of this half: none, the core has them all."""
    return []


def advance(world: World) -> None:
    """Let pass what the moved clock brings about: nothing here, expiries are read off the clock."""
