"""Route the API below `/stripe/v1` and register its signatures and error bodies."""

from starlette.routing import BaseRoute, Route

from sandbox.stripe.endpoints import HANDLERS
from sandbox.stripe.protocol.dispatch import Dispatcher
from sandbox.stripe.protocol.errors import build_injected_error
from sandbox.stripe.protocol.events import build_stripe_signer
from sandbox.world import World


def build_stripe_routes(world: World) -> list[BaseRoute]:
    """Return one route that serves the whole API, since the dispatcher resolves the paths."""
    secret = world.settings.stripe_webhook_secret
    world.deliveries.register("stripe", lambda _: build_stripe_signer(secret))
    world.faults.register_error_body("stripe", build_injected_error)
    dispatcher = Dispatcher(world, HANDLERS)
    return [Route("/{path:path}", dispatcher.serve, methods=["GET", "POST", "DELETE"])]
