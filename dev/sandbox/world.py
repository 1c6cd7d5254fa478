"""Build the state that both vendors of the sandbox share."""

from dataclasses import dataclass
from pathlib import Path

from starlette.templating import Jinja2Templates

from sandbox.clock import Clock
from sandbox.deliveries import Deliveries
from sandbox.faults import Faults
from sandbox.requests import RequestLog
from sandbox.settings import Settings
from sandbox.store import Store

HERE = Path(__file__).parent
KEPT_OVER_RESET = ("stytch.key",)


@dataclass(frozen=True)
class World:
    """Hold the sandbox's state and the objects that change it."""

    settings: Settings
    store: Store
    clock: Clock
    deliveries: Deliveries
    faults: Faults
    log: RequestLog
    templates: Jinja2Templates

    def reset(self) -> None:
        """Delete all state except the signing keys, so that verifiers need not fetch them again."""
        self.deliveries.cancel_all()
        self.store.clear(keep=KEPT_OVER_RESET)
        self.log.clear()


def create_world(settings: Settings) -> World:
    """Build the shared state from the settings."""
    store = Store(settings.state)
    templates = Jinja2Templates(directory=HERE / "templates")
    templates.env.globals["settings"] = settings
    return World(
        settings=settings,
        store=store,
        clock=Clock(store),
        deliveries=Deliveries(store, webhook_base=settings.webhook_base),
        faults=Faults(store),
        log=RequestLog(),
        templates=templates,
    )
