"""Build the factors of sessions, and tell what each of them proves."""

from sandbox.store import Document
from sandbox.stytch.values import build_stytch_id, format_stytch_time
from sandbox.world import World

# The providers of https://stytch.com/docs/api-reference/b2b/api/oauth/overview, as Stytch spells them.
OAUTH_PROVIDERS = {
    "google": "Google",
    "microsoft": "Microsoft",
    "github": "Github",
    "slack": "Slack",
    "hubspot": "Hubspot",
}
# Every primary method, in the words of `allowed_auth_methods`.
PRIMARY_METHODS = (
    "sso",
    "magic_link",
    "email_otp",
    "password",
    *(f"{name}_oauth" for name in OAUTH_PROVIDERS),
)
MAIL_METHODS = ("magic_link", "email_otp")  # they prove an address by themselves
SECOND_FACTORS = frozenset({"totp", "otp", "recovery_codes"})


def build_factor(world: World, *, type: str, delivery_method: str, **details: object) -> Document:  # noqa: A002  Stytch's word
    """Build a factor that was authenticated now. Details that begin with `_` stay in the sandbox."""
    now = format_stytch_time(world.clock.now())
    times = {"last_authenticated_at": now, "created_at": now, "updated_at": now}
    return {"type": type, "delivery_method": delivery_method, **times, **details}


def build_email_factor(world: World, *, type: str, email_id: str, email: str) -> Document:  # noqa: A002
    """Build the factor of a mailed link or code, which names the address it was sent to."""
    address = {"email_id": email_id, "email_address": email}
    return build_factor(world, type=type, delivery_method="email", email_factor=address)


def build_oauth_factor(world: World, identity: Document) -> Document:
    """Build the factor of a provider, which names the account there and no address."""
    provider = identity["provider"]
    account = {
        "id": build_stytch_id(f"oauth-user-{provider}"),
        "provider_subject": identity["subject"],
        "email_id": None,
    }
    return build_factor(
        world,
        type="oauth",
        delivery_method=f"oauth_{provider}",
        **{f"{provider}_oauth_factor": account},
        _email=identity["email"],
        _email_verified=identity["email_verified"],
        _provider=provider,
        _subject=identity["subject"],
    )


def build_sso_factor(world: World, connection: Document, identity: Document) -> Document:
    """Build the factor of an organization's own provider."""
    kind = connection["_kind"]
    account = {
        "id": build_stytch_id("sso-user"),
        "provider_id": connection["connection_id"],
        "external_id": identity["subject"],
    }
    return build_factor(
        world,
        type="sso",
        delivery_method=f"sso_{kind}",
        **{f"{kind}_sso_factor": account},
        _organization_id=connection["organization_id"],
    )


def render_factor(factor: Document) -> Document:
    """Return a factor as Stytch shows it."""
    return {name: value for name, value in factor.items() if not name.startswith("_")}


def get_method(factor: Document) -> str:
    """Return the primary method of a factor, or nothing for a second factor."""
    if factor["type"] == "oauth":
        return f"{factor['_provider']}_oauth"
    return factor["type"] if factor["type"] in PRIMARY_METHODS else ""


def is_valid_for(factor: Document, organization: Document, member: Document) -> bool:
    """Return whether a primary factor counts for this member of this organization.

    A factor counts for the address it was authenticated for. One of an organization's own provider
    counts in that organization only.
    """
    if factor["type"] == "sso":
        return bool(factor["_organization_id"] == organization["organization_id"])
    if factor["delivery_method"] == "email":
        return bool(factor["email_factor"]["email_address"] == member["email_address"])
    if factor["type"] == "oauth":
        return bool(factor["_email"] == member["email_address"])
    return False


def is_address_verified_by(factor: Document, member: Document) -> bool:
    """Return whether a valid factor lets a member in without a further proof of the address.

    An OAuth provider that does not fully verify the address needs one, the first time:
    https://stytch.com/docs/b2b/api/authenticate-oauth (`primary_required`).
    """
    if factor["type"] != "oauth" or factor["_email_verified"]:
        return True
    known = {
        (one["provider_type"], one["provider_subject"]) for one in member["oauth_registrations"]
    }
    return (OAUTH_PROVIDERS[factor["_provider"]], factor["_subject"]) in known
