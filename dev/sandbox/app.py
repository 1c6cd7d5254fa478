"""Build one application from both vendors, the control plane and the pages."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import control, pages, stripe, stytch
from sandbox.settings import Settings
from sandbox.vendor_api import TRANSPORT, Gate
from sandbox.world import HERE, World, create_world


@dataclass(frozen=True)
class Half:
    """Describe one vendor's part of the sandbox and where it is mounted."""

    name: str
    prefix: str
    routes: Callable[[World], list[BaseRoute]]
    control: Callable[[World], list[BaseRoute]]
    pages: Callable[[World], list[BaseRoute]]
    advance: Callable[[World], None]

    def mount(self, world: World) -> Mount:
        """Return the vendor's API behind its gate."""
        return Mount(self.prefix, app=Gate(world, self.name, Router(self.routes(world))))


HALVES = (
    Half("stytch", "/v1/b2b", stytch.routes, stytch.control, stytch.pages, stytch.advance),
    Half("stripe", "/stripe/v1", stripe.routes, stripe.control, stripe.pages, stripe.advance),
)


async def advance_clock(world: World, halves: tuple[Half, ...], request: Request) -> JSONResponse:
    """Move the clock forward and run what has become due at each vendor."""
    asked = await control.read_fields(request, {"seconds": control.NUMBER}, required=("seconds",))
    if asked["seconds"] < 0:
        raise control.RefusedError("The clock only moves forward.")
    world.clock.advance(asked["seconds"])
    for half in halves:
        half.advance(world)
    return JSONResponse({"now": world.clock.now().isoformat(), "offset": world.clock.offset})


class Committing:
    """Commit what a page or a control call changed before its answer is sent."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application and commit before its first message is sent."""
        if scope["type"] == "http":
            # The bare connection, for faults that cut it; wrappers further in would hide it.
            scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)

        async def committing(message: Message) -> None:
            self._world.store.commit()
            await send(message)

        await self._app(scope, receive, committing if scope["type"] == "http" else send)


class Sandbox(Starlette):
    """Starlette application that exposes the sandbox's state to tests."""

    world: World

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await Committing(super().__call__, self.world)(scope, receive, send)


def create_app(settings: Settings, *, halves: tuple[Half, ...] = HALVES) -> Sandbox:
    """Build the whole sandbox from its settings."""
    world = create_world(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        world.deliveries.resume()
        for half in halves:
            half.advance(world)  # what became due while the sandbox was off
        yield
        await world.deliveries.close()
        world.store.close()

    steer: list[BaseRoute] = [*control.build_control_routes(world)]
    steer.append(Route("/clock/advance", partial(advance_clock, world, halves), methods=["POST"]))
    for half in halves:
        steer.extend(half.control(world))
    app = Sandbox(
        routes=[
            *(half.mount(world) for half in halves),
            Mount("/_sandbox", routes=steer),
            Mount("/static", app=StaticFiles(directory=HERE / "static"), name="static"),
            *(route for half in halves for route in half.pages(world)),
            *pages.build_page_routes(world),
        ],
        exception_handlers={control.RefusedError: control.render_refusal, **stytch.REFUSALS},
        lifespan=lifespan,
    )
    app.world = world
    return app
