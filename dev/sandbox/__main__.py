"""Serve the stand-ins for Stytch and Stripe with `python -m sandbox`."""

import os

import uvicorn

from sandbox.app import create_app
from sandbox.settings import Settings


def main() -> None:
    """Read the environment once and serve until the process is stopped."""
    settings = Settings.from_environ(os.environ)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
