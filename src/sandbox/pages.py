"""The pages for people: what is here, mails sent, webhooks sent, and where a front end takes over."""

from starlette.routing import BaseRoute

from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:  # noqa: ARG001
    """Return the pages."""
    return []
