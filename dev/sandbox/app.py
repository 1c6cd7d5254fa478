"""Build one application from both vendors, the control plane and the pages."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import control, pages, smtp, stripe, stytch
from sandbox.settings import Settings
from sandbox.vendor_api import TRANSPORT, VendorMiddleware
from sandbox.world import HERE, World, create_world


@dataclass(frozen=True)
class Vendor:
    """Describe one vendor's part of the sandbox and where it is mounted."""

    name: str
    prefix: str
    routes: Callable[[World], list[BaseRoute]]
    control: Callable[[World], list[BaseRoute]]
    pages: Callable[[World], list[BaseRoute]]
    advance: Callable[[World], None]

    def mount(self, world: World) -> Mount:
        """Return the vendor's API behind its middleware."""
        return Mount(
            self.prefix, app=VendorMiddleware(world, self.name, Router(self.routes(world)))
        )


VENDORS = (
    Vendor(
        "stytch",
        "/v1/b2b",
        stytch.build_stytch_routes,
        stytch.build_stytch_control_routes,
        stytch.build_stytch_page_routes,
        stytch.skip_clock_advance,
    ),
    Vendor(
        "stripe",
        "/stripe/v1",
        stripe.build_stripe_routes,
        stripe.build_stripe_control_routes,
        stripe.build_stripe_page_routes,
        stripe.run_due_billing,
    ),
)


async def advance_clock(
    world: World, vendors: tuple[Vendor, ...], request: Request
) -> JSONResponse:
    """Move the clock forward and run what has become due at each vendor."""
    fields = await control.read_fields(request, {"seconds": control.NUMBER}, required=("seconds",))
    if fields["seconds"] < 0:
        raise control.RefusedError("The clock only moves forward.")
    world.clock.advance(fields["seconds"])
    for vendor in vendors:
        vendor.advance(world)
    return JSONResponse({"now": world.clock.now().isoformat(), "offset": world.clock.offset})


class CommitMiddleware:
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
        await CommitMiddleware(super().__call__, self.world)(scope, receive, send)


def create_app(settings: Settings, *, vendors: tuple[Vendor, ...] = VENDORS) -> Sandbox:
    """Build the whole sandbox from its settings."""
    world = create_world(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        world.deliveries.resume()
        for vendor in vendors:
            vendor.advance(world)  # what became due while the sandbox was off
        mails = await smtp.start_server(world)
        yield
        if mails:
            mails.close()
        await world.deliveries.close()
        world.store.close()

    control_routes: list[BaseRoute] = [*control.build_control_routes(world)]
    control_routes.append(
        Route("/clock/advance", partial(advance_clock, world, vendors), methods=["POST"])
    )
    for vendor in vendors:
        control_routes.extend(vendor.control(world))
    app = Sandbox(
        routes=[
            *(vendor.mount(world) for vendor in vendors),
            Mount("/_sandbox", routes=control_routes),
            Mount("/static", app=StaticFiles(directory=HERE / "static"), name="static"),
            *(route for vendor in vendors for route in vendor.pages(world)),
            *pages.build_page_routes(world),
        ],
        exception_handlers={
            control.RefusedError: control.render_refusal,
            HTTPException: partial(pages.render_http_error, world),
            **stytch.REFUSALS,
        },
        lifespan=lifespan,
    )
    app.world = world
    return app
