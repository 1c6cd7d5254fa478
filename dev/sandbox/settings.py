"""Read the sandbox's settings from the environment once, at start."""

from collections.abc import Mapping
from dataclasses import dataclass

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LIVE_PREFIXES = ("project-live-", "secret-live-", "public-token-live-", "sk_live_", "rk_live_")


@dataclass(frozen=True)
class Settings:
    """Hold the settings, which are valid by default.

    Live credentials and addresses that other machines could reach are refused.
    """

    host: str = "127.0.0.1"
    port: int = 8600
    smtp_port: int = 0  # none
    state: str = ""
    public_url: str = ""
    api_url: str = "http://127.0.0.1:8000"
    webhook_base: str = "http://127.0.0.1:8000/webhooks"
    stytch_project_id: str = "project-test-00000000-0000-4000-8000-000000000000"
    stytch_secret: str = "secret-test-sandbox"  # noqa: S105  public by design, loopback only
    stytch_public_token: str = "public-token-test-00000000-0000-4000-8000-000000000000"  # noqa: S105  public
    stytch_webhook_secret: str = "whsec_c2FuZGJveC1zdHl0Y2gtd2ViaG9vay1zZWNyZXQ="  # noqa: S105
    stripe_secret_key: str = "sk_test_sandbox"  # noqa: S105
    stripe_webhook_secret: str = "whsec_sandbox_stripe"  # noqa: S105

    def __post_init__(self) -> None:
        if self.host not in LOOPBACK:
            raise SystemExit(f"The sandbox listens on loopback only, not on {self.host!r}.")
        credentials = (
            self.stytch_project_id,
            self.stytch_secret,
            self.stytch_public_token,
            self.stripe_secret_key,
        )
        if any(value.startswith(LIVE_PREFIXES) for value in credentials):
            raise SystemExit(
                "The sandbox refuses to start with live credentials. Use test credentials."
            )
        if not self.public_url:
            name = f"[{self.host}]" if ":" in self.host else self.host
            object.__setattr__(self, "public_url", f"http://{name}:{self.port}")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from the environment, where an empty variable counts as absent."""
        given = {name: value for name in VARIABLES if (value := environ.get(VARIABLES[name], ""))}
        port = parse_port("port", given.pop("port", str(cls.port)))
        smtp_port = parse_port("smtp_port", given.pop("smtp_port", str(cls.smtp_port)))
        return cls(port=port, smtp_port=smtp_port, **given)


def parse_port(name: str, text: str) -> int:
    """Return a port as a number."""
    if not text.isdecimal():
        raise SystemExit(f"{VARIABLES[name]} must be a number, not {text!r}.")
    return int(text)


VARIABLES = {
    "host": "SANDBOX_HOST",
    "port": "SANDBOX_PORT",
    "smtp_port": "SANDBOX_SMTP_PORT",
    "state": "SANDBOX_STATE",
    "public_url": "SANDBOX_PUBLIC_URL",
    "api_url": "SANDBOX_API_URL",
    "webhook_base": "SANDBOX_WEBHOOK_BASE",
    "stytch_project_id": "STYTCH_PROJECT_ID",
    "stytch_secret": "STYTCH_SECRET",
    "stytch_public_token": "STYTCH_PUBLIC_TOKEN",
    "stytch_webhook_secret": "STYTCH_WEBHOOK_SECRET",
    "stripe_secret_key": "STRIPE_SECRET_KEY",
    "stripe_webhook_secret": "STRIPE_WEBHOOK_SECRET",
}
