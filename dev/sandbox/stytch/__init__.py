"""Serve Stytch's B2B API to the unmodified Stytch SDK.

Behaviour follows https://stytch.com/docs/b2b/api where it was not observed at Stytch itself.
Error types and statuses are in `errors`, the table of paths in `api`.
"""

from functools import partial

from starlette.routing import BaseRoute

from sandbox.stytch import api, errors, provider_pages, tokens, webhooks
from sandbox.stytch import control as stytch_control
from sandbox.world import World

REFUSALS = {errors.StytchError: stytch_control.render_stytch_refusal}


def build_stytch_routes(world: World) -> list[BaseRoute]:
    """Build the routes of the API below `/v1/b2b`."""
    world.faults.register_error_body("stytch", errors.build_fault_error)
    world.deliveries.register("stytch", partial(webhooks.build_svix_signer, world.settings))
    tokens.list_keys(world)  # makes the first key now rather than during someone's request
    world.store.commit()
    return api.build_api_routes(world)


def build_stytch_control_routes(world: World) -> list[BaseRoute]:
    """Build the control routes below `/_sandbox`."""
    return stytch_control.build_control_endpoints(world)


def build_stytch_page_routes(world: World) -> list[BaseRoute]:
    """Build the pages of identity providers, while the core serves mails and landing pages."""
    return provider_pages.build_provider_routes(world)


def skip_clock_advance(_: World) -> None:
    """Do nothing when the clock moves, because expiry is checked at each use."""
