"""The API below `/stripe/v1`, and what the core must know of this vendor: signatures and error shape."""

from starlette.routing import BaseRoute, Route

from sandbox.stripe.dispatch import Dispatcher
from sandbox.stripe.endpoints import HANDLERS
from sandbox.stripe.errors import injected
from sandbox.stripe.events import signer
from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    """Return one route that serves the whole API; the dispatcher knows the paths."""
    secret = world.settings.stripe_webhook_secret
    world.deliveries.register("stripe", lambda _: signer(secret))
    world.faults.shape("stripe", injected)
    dispatcher = Dispatcher(world, HANDLERS)
    return [Route("/{path:path}", dispatcher.serve, methods=["GET", "POST", "DELETE"])]
