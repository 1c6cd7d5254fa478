"""Give this test process its own database, sandbox and ports.

It is loaded with `-p`, before Django reads its settings.
"""

import hashlib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from devserver import environment

ROOT = Path(__file__).parents[2]
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
CHECKOUT = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
DATABASE = f"tenantry_test_{CHECKOUT}_{WORKER}_{os.getpid()}"

if "DATABASE_OWNER_URL" not in os.environ:  # plain `pytest`: what `make test` does before it
    os.environ["ENVIRONMENT"] = "test"
    os.environ |= environment.complete_environment({"ENVIRONMENT": "test"}, environment.Addresses())

# Parallel workers inherit what is set below, so the given URLs keep other names.
OWNER_URL = os.environ.setdefault("GIVEN_OWNER_URL", os.environ["DATABASE_OWNER_URL"])
WEB_URL = os.environ.setdefault("GIVEN_WEB_URL", os.environ["DATABASE_URL"])


def pytest_addoption(parser):
    """Add the number of organizations in the soak test of money, and the first one's seed."""
    parser.addoption("--histories", type=int, default=50, dest="histories")
    parser.addoption("--first-seed", type=int, default=0, dest="first_seed")


def on_database(url, name):
    """Return the URL with another database of the same server and role."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def free_port():
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


WEB_PORT, SANDBOX_PORT, SMTP_PORT = free_port(), free_port(), free_port()
API_URL = f"http://127.0.0.1:{WEB_PORT}"
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"

os.environ.update(
    ENVIRONMENT="test",
    SECRET_KEY="a secret key for tests, as long as the check requires it",
    DATABASE_URL=on_database(WEB_URL, DATABASE),
    DATABASE_OWNER_URL=on_database(OWNER_URL, DATABASE),
    PUBLIC_URL=API_URL,
    FRONTEND_ORIGINS=f"{SANDBOX_URL},https://app.example",
    AUTH_REDIRECT_URL=f"{SANDBOX_URL}/landing",
    STYTCH_PROJECT_ID="project-test-00000000-0000-4000-8000-000000000000",
    STYTCH_SECRET="secret-test-sandbox",
    STYTCH_PUBLIC_TOKEN="public-token-test-00000000-0000-4000-8000-000000000000",
    STYTCH_BASE_URL=SANDBOX_URL,
    STYTCH_WEBHOOK_SECRET="whsec_c2FuZGJveC1zdHl0Y2gtd2ViaG9vay1zZWNyZXQ=",
    STRIPE_SECRET_KEY="sk_test_sandbox",
    STRIPE_BASE_URL=f"{SANDBOX_URL}/stripe",
    STRIPE_WEBHOOK_SECRET="whsec_sandbox_stripe",
    EMAIL_URL=f"smtp://127.0.0.1:{SMTP_PORT}",
    DEFAULT_FROM_EMAIL="Tenantry <billing@tenantry.example>",
    FRONTEND_BILLING_URL="https://app.example/{slug}/billing",
    SANDBOX_PORT=str(SANDBOX_PORT),
    SANDBOX_SMTP_PORT=str(SMTP_PORT),
    SANDBOX_STATE="",
    SANDBOX_PUBLIC_URL=SANDBOX_URL,
    SANDBOX_API_URL=API_URL,
    SANDBOX_WEBHOOK_BASE=f"{API_URL}/webhooks",
    LOG_FORMAT="console",
    SPARE_SCHEMAS="6",
    # All tests sign in from one address; those about the limits set low ones.
    SIGN_IN_RATE_PER_MAILBOX="1000",
    SIGN_IN_RATE_PER_CLIENT_ADDRESS="1000000",
    INVITATIONS_PER_ORGANIZATION_PER_DAY="100000",
    INVITATIONS_PER_ADDRESS_PER_DAY="1000",
    # Retries that take ten seconds and polls that take five would make every test wait.
    JOB_DELAY_SCALE="0.01",
    WORKER_POLL_SECONDS="0.25",
)
