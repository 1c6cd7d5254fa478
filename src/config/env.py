"""Read the environment once, typed, and report every missing or wrong variable together."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config import mail

ROOT = Path(__file__).resolve().parents[2]

# Where the development servers of Next.js, Create React App, Vite and SvelteKit listen.
LOCAL_FRONT_ENDS = tuple(
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 5173)
)

Names = Annotated[tuple[str, ...], NoDecode]


class Environment(BaseSettings):
    """Hold every variable the product reads, as docs/guides/configuration.md describes them."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", frozen=True)

    environment: Literal["development", "test", "production"] = "production"
    process: Literal["web", "owner"] = "owner"
    secret_key: str = Field(min_length=32)

    database_url: str = Field(pattern=r"^postgres(ql)?://")
    database_owner_url: str = Field(pattern=r"^postgres(ql)?://")

    public_url: str = "http://127.0.0.1:8000"
    allowed_hosts: Names = ()
    frontend_origins: Names = ()
    auth_redirect_url: str
    trusted_proxies: int = Field(default=0, ge=0)
    sign_in_rate_per_mailbox: int = Field(default=10, ge=1)
    sign_in_rate_per_client_address: int = Field(default=120, ge=1)
    invitations_per_organization_per_day: int = Field(default=50, ge=1)
    invitations_per_address_per_day: int = Field(default=5, ge=1)
    staff_second_factor: bool = True

    stytch_project_id: str
    stytch_secret: str
    stytch_public_token: str
    stytch_base_url: str = ""
    stytch_webhook_secret: str = ""

    billing_providers: Names = ("stripe",)
    stripe_secret_key: str = Field(default="", validate_default=True)
    stripe_base_url: str = ""
    stripe_webhook_secret: str = ""

    billing_notices: bool = True
    staff_alert_addresses: Names = ()
    email_url: str = Field(default="", validate_default=True)
    default_from_email: str = Field(default="", validate_default=True)
    frontend_billing_url: str = Field(default="", pattern=r"^(https?://\S+)?$")

    log_format: Literal["console", "json"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_token: str = ""
    prometheus_multiproc_dir: str = ""  # the Prometheus client's own name for it
    spare_schemas: int = Field(default=4, ge=1)
    worker_poll_seconds: float = Field(default=5, gt=0)
    job_delay_scale: float = Field(default=1, gt=0)

    @field_validator(
        "allowed_hosts",
        "frontend_origins",
        "billing_providers",
        "staff_alert_addresses",
        mode="before",
    )
    @classmethod
    def split_commas(cls, value: object) -> object:
        """Split `a, b` into ("a", "b")."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("stripe_secret_key")
    @classmethod
    def require_stripe_key(cls, value: str, info: ValidationInfo) -> str:
        """Refuse Stripe as a configured provider without its key."""
        if not value and "stripe" in info.data.get("billing_providers", ()):
            raise ValueError("set it, or take stripe out of BILLING_PROVIDERS")
        return value

    @field_validator("staff_second_factor")
    @classmethod
    def keep_second_factor(cls, value: object, info: ValidationInfo) -> object:
        """Refuse to switch the second factor of staff off in production."""
        if value is False and info.data.get("environment") == "production":
            raise ValueError("production always requires it: leave it out")
        return value

    @field_validator("email_url", "default_from_email")
    @classmethod
    def require_for_notices(cls, value: str, info: ValidationInfo) -> str:
        """Refuse an absent mail server or sender while notices are sent."""
        if info.data.get("billing_notices") and not value:
            raise ValueError("required, unless BILLING_NOTICES is false")
        return value

    @field_validator("email_url")
    @classmethod
    def check_mail_url(cls, value: str) -> str:
        """Refuse a mail server's URL that cannot be parsed."""
        mail.parse_mail_url(value)
        return value

    @property
    def is_production(self) -> bool:
        """Tell whether the strict defaults of a deployment apply."""
        return self.environment == "production"

    @property
    def browser_origins(self) -> tuple[str, ...]:
        """Return the origins of front ends, which in development include the usual local ones."""
        local = LOCAL_FRONT_ENDS if self.environment == "development" else ()
        return tuple(dict.fromkeys((*self.frontend_origins, *local)))

    @property
    def process_database_url(self) -> str:
        """Return the database URL of this process's role.

        The web server never holds the owner's rights.
        """
        return self.database_url if self.process == "web" else self.database_owner_url


def read_environment() -> Environment:
    """Read the environment or exit with everything that is wrong with it."""
    try:
        return Environment()
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, problem['loc'])).upper()}: {problem['msg'].lower()}"
            for problem in error.errors(include_input=False)
        ]
        if (ROOT / "dev" / "devserver").exists():
            lines.append("On your machine, `python -m devserver with -- COMMAND` sets all of them.")
        sys.exit(
            "The environment is incomplete (docs/guides/configuration.md):\n" + "\n".join(lines)
        )
