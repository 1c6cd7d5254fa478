"""Handle `/oauth` and `/public/oauth` calls that start and finish a sign-in with a provider.

The start is described at https://stytch.com/docs/api-reference/b2b/api/oauth/discovery/start-google,
the finish at https://stytch.com/docs/b2b/api/authenticate-discovery-oauth and
https://stytch.com/docs/b2b/api/authenticate-oauth.
"""

from sandbox.store import Document
from sandbox.stytch import factors, members, provider_sign_in
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call, Redirect
from sandbox.stytch.api.sign_in import sign_in_with_factor
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id


def start_discovery_sign_in(call: Call) -> Redirect:
    """Send the browser to a provider, to choose an organization afterwards."""
    url = call.find_text("discovery_redirect_url") or f"{call.world.settings.public_url}/landing"
    return start_sign_in(call, token_type="discovery_oauth", redirect_url=url)  # noqa: S106


def start_organization_sign_in(call: Call) -> Redirect:
    """Send the browser to a provider, to sign in to one organization."""
    locator = call.find_text("organization_id") or call.find_text("slug")
    if not locator:
        raise StytchError("missing_oauth_organization_locator")
    call.data["organization_id"] = locator
    organization_id = call.get_organization()["organization_id"]
    url = call.find_text("login_redirect_url") or f"{call.world.settings.public_url}/landing"
    return start_sign_in(
        call,
        token_type="oauth",  # noqa: S106
        redirect_url=url,
        organization_id=organization_id,
    )


def start_sign_in(call: Call, *, token_type: str, redirect_url: str, **details: object) -> Redirect:
    """Store the start of a sign-in and send the browser to the provider's page."""
    provider_sign_in.check_public_token(call.world, call.find_text("public_token") or "")
    provider = call.get_text("provider")
    if provider not in factors.OAUTH_PROVIDERS:
        raise StytchError("oauth_config_not_found")
    start = provider_sign_in.create_start(
        call.world,
        token_type=token_type,
        redirect_url=redirect_url,
        provider=provider,
        challenge=call.find_text("pkce_code_challenge"),
        **details,
    )
    return Redirect(f"{call.world.settings.public_url}/providers/{provider}?state={start['id']}")


def authenticate_discovery(call: Call) -> Document:
    """Exchange a provider's token for an intermediate session."""
    identity = provider_sign_in.use_provider_token(
        call.world,
        call.get_text("discovery_oauth_token"),
        token_type="discovery_oauth",  # noqa: S106
        verifier=call.find_text("pkce_code_verifier"),
    )
    proof = factors.build_oauth_factor(call.world, identity)
    answer = discovery.start_discovery(call, email=identity["email"], proof=proof)
    return answer | {
        "provider_type": factors.OAUTH_PROVIDERS[identity["provider"]],
        "provider_tenant_id": "",
        "provider_tenant_ids": [],
        "full_name": identity["name"],
    }


def authenticate_member(call: Call) -> Document:
    """Exchange a provider's token for a session in the organization of its start."""
    call.check_session_arguments()
    running = call.find_running_session()
    identity = provider_sign_in.use_provider_token(
        call.world,
        call.get_text("oauth_token"),
        token_type="oauth",  # noqa: S106
        verifier=call.find_text("pkce_code_verifier"),
    )
    call.data["organization_id"] = identity["organization_id"]
    organization = call.get_organization()
    factor = factors.build_oauth_factor(call.world, identity)
    member = members.find_by_email(call.world, organization, identity["email"])
    if member is None:
        proof = {"email": identity["email"], "factors": [factor]}
        member = discovery.create_joining_member(call, organization, proof)
    answer = sign_in_with_factor(call, member, factor, running=running)
    return answer | {
        "organization_id": organization["organization_id"],
        "provider_subject": identity["subject"],
        "provider_type": factors.OAUTH_PROVIDERS[identity["provider"]],
        "provider_values": build_provider_values(),
        "reset_sessions": False,
    }


def build_provider_values() -> Document:
    """Build the tokens of a provider, which give access to nothing here."""
    return {
        "access_token": build_stytch_id("access-token"),
        "refresh_token": "",
        "id_token": "",
        "scopes": ["openid", "email", "profile"],
        "expires_at": None,
    }
