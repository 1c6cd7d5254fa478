"""Build the environment variables of the product and the sandbox for development."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import dotenv

from devserver import checkout, database, locks, ports
from support.errors import Refusal

STYTCH_PROJECT = "project-test-00000000-0000-4000-8000-000000000000"
STYTCH_SECRET = "secret-test-sandbox"  # noqa: S105  public by design: only the sandbox accepts it
STYTCH_PUBLIC = "public-token-test-00000000-0000-4000-8000-000000000000"
STYTCH_WEBHOOKS = "whsec_c2FuZGJveC1zdHl0Y2gtd2ViaG9vay1zZWNyZXQ="
STRIPE_SECRET = "sk_test_sandbox"  # noqa: S105  the same
STRIPE_WEBHOOKS = "whsec_sandbox_stripe"

DATABASES = ("DATABASE_URL", "DATABASE_OWNER_URL")
STYTCH_KEYS = ("STYTCH_PROJECT_ID", "STYTCH_SECRET", "STYTCH_PUBLIC_TOKEN")
MACHINE = (*DATABASES, "ENVIRONMENT", "WEB_PORT", "SANDBOX_PORT", "SANDBOX_SMTP_PORT")
TEST_SECRET = "tests-only-tests-only-tests-only-tests-only"  # noqa: S105  signs nothing that lasts


@dataclass(frozen=True)
class Addresses:
    """Hold the ports where the API and the sandbox of this checkout listen."""

    web: int = 8000
    sandbox: int = 8600
    smtp: int = 8625

    @property
    def api(self) -> str:
        """Return the URL of the API."""
        return f"http://127.0.0.1:{self.web}"

    @property
    def vendors(self) -> str:
        """Return the URL of the sandbox."""
        return f"http://127.0.0.1:{self.sandbox}"


def read_given() -> dict[str, str]:
    """Read the variables of the shell and of `.env`, where the shell's have priority.

    Tests get only the variables in `MACHINE`, so that they never use real keys. An empty variable
    counts as absent, as it is empty in a fresh copy of `.env.example`.
    """
    shell = {name: value for name, value in os.environ.items() if value}
    if shell.get("ENVIRONMENT") == "test":
        return {name: shell[name] for name in MACHINE if name in shell}
    written = dotenv.dotenv_values(checkout.ROOT / ".env")
    return {name: value for name, value in written.items() if value} | shell


def lease_addresses(given: Mapping[str, str]) -> Addresses:
    """Lease the default ports, the next free ones, or exactly the requested ones."""
    usual = Addresses()
    return Addresses(
        web=ports.lease_port(given.get("WEB_PORT"), usual=usual.web),
        sandbox=ports.lease_port(given.get("SANDBOX_PORT"), usual=usual.sandbox),
        smtp=ports.lease_port(given.get("SANDBOX_SMTP_PORT"), usual=usual.smtp),
    )


def named_addresses(given: Mapping[str, str]) -> Addresses:
    """Find the addresses of a running product, else the requested or the default ones."""
    usual = Addresses()
    return find_running() or Addresses(
        web=ports.parse_port(given.get("WEB_PORT")) or usual.web,
        sandbox=ports.parse_port(given.get("SANDBOX_PORT")) or usual.sandbox,
        smtp=ports.parse_port(given.get("SANDBOX_SMTP_PORT")) or usual.smtp,
    )


def store_addresses(addresses: Addresses) -> None:
    """Save the addresses so that other commands find the running product."""
    checkout.ADDRESSES.write_text(json.dumps(asdict(addresses)))


def find_running() -> Addresses | None:
    """Find the addresses of the running `make run` of this checkout."""
    if not (
        checkout.RUN.exists() and checkout.ADDRESSES.exists() and locks.is_lock_held(checkout.RUN)
    ):
        return None
    return Addresses(**json.loads(checkout.ADDRESSES.read_text()))


def complete_environment(given: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    """Build every variable of a command, and start PostgreSQL if no database is given."""
    values = _build_defaults(given, addresses)
    if not _has_all_names(given, DATABASES):
        database.hold_server()
        values |= database.build_urls()
    own = {name: given[name] for name in values if name in given}
    if "FRONTEND_ORIGINS" in own and addresses.vendors not in own["FRONTEND_ORIGINS"].split(","):
        own["FRONTEND_ORIGINS"] += f",{addresses.vendors}"  # the sandbox's pages lead back to it
    return (
        values
        | own
        | {"PYTHONPATH": checkout.PYTHONPATH, "DJANGO_SETTINGS_MODULE": "config.settings"}
    )


def _build_defaults(given: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    testing = given.get("ENVIRONMENT") == "test"
    return {
        "ENVIRONMENT": "development",
        "SECRET_KEY": TEST_SECRET if testing else _secret_key(),
        "DATABASE_URL": "",  # filled by complete_environment()
        "DATABASE_OWNER_URL": "",
        "PUBLIC_URL": addresses.api,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "FRONTEND_ORIGINS": addresses.vendors,
        "AUTH_REDIRECT_URL": f"{addresses.vendors}/landing",
        "EMAIL_URL": f"smtp://127.0.0.1:{addresses.smtp}",
        "DEFAULT_FROM_EMAIL": "Tenantry <billing@tenantry.example>",
        "FRONTEND_BILLING_URL": f"{addresses.vendors}/landing",
        "LOG_FORMAT": "console",
        # All people of a laptop share its address, and each `make token` is a sign-in mail.
        "SIGN_IN_RATE_PER_MAILBOX": "30",
        "SIGN_IN_RATE_PER_CLIENT_ADDRESS": "10000",
        "INVITATIONS_PER_ORGANIZATION_PER_DAY": "1000",
        "INVITATIONS_PER_ADDRESS_PER_DAY": "30",
        # The printed password opens the admin of a laptop.
        "STAFF_SECOND_FACTOR": "true" if testing else "false",
        "SPARE_SCHEMAS": "4",
        "SANDBOX_HOST": "127.0.0.1",
        "SANDBOX_PORT": str(addresses.sandbox),
        "SANDBOX_SMTP_PORT": str(addresses.smtp),
        "SANDBOX_STATE": "" if testing else str(checkout.SANDBOX),
        "SANDBOX_PUBLIC_URL": addresses.vendors,
        "SANDBOX_WEBHOOK_BASE": f"{addresses.api}/webhooks",
        "SANDBOX_API_URL": addresses.api,
    } | build_vendor_settings(given, addresses)


def build_vendor_settings(given: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    """Build each vendor's keys and URL, for the sandbox unless real keys are set."""
    return _build_stytch(given, addresses) | _build_stripe(given, addresses)


def _build_stytch(given: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    names = (*STYTCH_KEYS, "STYTCH_BASE_URL", "STYTCH_WEBHOOK_SECRET")
    if _has_all_names(given, STYTCH_KEYS):
        return dict.fromkeys(names, "")  # keys of a real project: the real vendor
    sandbox = (
        STYTCH_PROJECT,
        STYTCH_SECRET,
        STYTCH_PUBLIC,
        addresses.vendors,
        STYTCH_WEBHOOKS,
    )
    return dict(zip(names, sandbox, strict=True))


def _build_stripe(given: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    names = ("STRIPE_SECRET_KEY", "STRIPE_BASE_URL", "STRIPE_WEBHOOK_SECRET")
    if given.get("STRIPE_SECRET_KEY"):
        return dict.fromkeys(names, "")
    sandbox = (STRIPE_SECRET, f"{addresses.vendors}/stripe", STRIPE_WEBHOOKS)
    return dict(zip(names, sandbox, strict=True))


def for_sandbox(environment: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    """Replace the keys of real vendors, which the sandbox must never receive."""
    values = dict(environment)
    if not values["STYTCH_BASE_URL"]:
        values |= _build_stytch({}, addresses)
    if not values["STRIPE_BASE_URL"]:
        values |= _build_stripe({}, addresses)
    return values


def uses_sandbox(environment: Mapping[str, str]) -> bool:
    """Return whether both vendors are the sandbox, where demo people may be created."""
    return bool(environment["STYTCH_BASE_URL"] and environment["STRIPE_BASE_URL"])


def may_invent(environment: Mapping[str, str]) -> bool:
    """Return whether an account with a printed password may be created.

    It may only in development and with the sandbox.
    """
    return uses_sandbox(environment) and environment["ENVIRONMENT"] == "development"


def _has_all_names(given: Mapping[str, str], names: tuple[str, ...]) -> bool:
    there = [name for name in names if given.get(name)]
    if there and len(there) < len(names):
        raise Refusal(f"Set all of {', '.join(names)}, or none; only {', '.join(there)} is set.")
    return bool(there)


def staff_password_file() -> Path:
    """Return the file with the staff password, created once and kept until `make clean`."""
    return _keep_secret(checkout.STAFF_PASSWORD, length=12)


def _secret_key() -> str:
    return _keep_secret(checkout.SECRET, length=48).read_text()


def _keep_secret(path: Path, *, length: int) -> Path:
    checkout.make_state_folder()
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(length))
        fresh.rename(path)
    return path
