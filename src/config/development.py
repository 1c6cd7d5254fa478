"""What the pages of the API show on a developer's machine, and nowhere else."""

from config.env import Environment

DEMO_NOTE = """
**On this machine**, `make token ROLE=admin` prints a token of the demo organization `demo`, whose other roles are `member`
and `viewer`.
"""


def list_links(environment: Environment) -> list[tuple[str, str, str]]:
    """Return title, address and text of each link that only development has."""
    if environment.environment != "development":
        return []
    links = [("Admin", "/admin/", "For staff. The terminal of make run shows the account.")]
    sandbox = environment.stytch_base_url or environment.stripe_base_url.removesuffix("/stripe")
    if sandbox:
        text = "Stytch and Stripe on this machine: inbox, checkout, events, clock."
        links.append(("Sandbox", sandbox, text))
    return links


def write_docs_note(environment: Environment) -> str:
    """Return how to get a token without signing in, where the demo organization exists."""
    has_demo = environment.stytch_base_url and environment.stripe_base_url
    return DEMO_NOTE if environment.environment == "development" and has_demo else ""
