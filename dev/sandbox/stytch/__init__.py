"""Stytch's half of the sandbox.

The B2B API as its own SDK speaks it.

Where Stytch's behaviour is known only from its documentation, this follows the documentation;
`docs` of the errors and statuses live in `errors`, the table of paths in `api`.
"""

from functools import partial

from starlette.routing import BaseRoute

from sandbox.stytch import api, errors, tokens, webhooks
from sandbox.stytch import control as steering
from sandbox.world import World

REFUSALS = {errors.StytchError: steering.render_stytch_refusal}


def routes(world: World) -> list[BaseRoute]:
    """Return the API below `/v1/b2b`."""
    world.faults.shape("stytch", errors.build_fault_error)
    world.deliveries.register("stytch", partial(webhooks.build_svix_signer, world.settings))
    tokens.published(world)  # makes the first key now rather than during someone's request
    world.store.commit()
    return api.build_api_routes(world)


def control(world: World) -> list[BaseRoute]:
    """Return the control routes below `/_sandbox`."""
    return steering.build_control_endpoints(world)


def pages(_: World) -> list[BaseRoute]:
    """Return the pages of this half.

    None, the core has them all.
    """
    return []


def advance(_: World) -> None:
    """Do what became due.

    Nothing, as every end is read off the clock when it matters.
    """
