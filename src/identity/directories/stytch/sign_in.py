"""The calls that sign a person in by a mailed link or code, a provider or an invitation."""

from urllib.parse import urlencode

import stytch
from django.conf import settings
from django.utils import timezone

from identity.directories.stytch import parse
from identity.directories.stytch.errors import translate_errors
from identity.directories.types import Discovery, SignInResult

SESSION_MINUTES = 24 * 60  # prolonged by every refresh


class SignInCalls:
    """The part of the directory that signs people in."""

    _client: stytch.B2BClient

    def send_magic_link(self, *, email: str) -> None:
        """Mail a link that leads to discovery.

        Stytch answers alike for unknown addresses.
        """
        with translate_errors():
            self._client.magic_links.email.discovery.send(
                email_address=email, discovery_redirect_url=settings.AUTH_REDIRECT_URL
            )

    def send_code(self, *, email: str) -> None:
        """Mail a one-time code that leads to discovery."""
        with translate_errors():
            self._client.otps.email.discovery.send(email_address=email)

    def authenticate_discovery_token(self, *, token: str) -> Discovery:
        """Spend the token of a mailed link."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.magic_links.discovery.authenticate(
                discovery_magic_links_token=token
            )
        return Discovery(
            intermediate_session_token=answer.intermediate_session_token,
            email=answer.email_address,
            organizations=parse.parse_discovered(answer.discovered_organizations, asked_at),
        )

    def authenticate_discovery_code(self, *, email: str, code: str) -> Discovery:
        """Spend a mailed code."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.otps.email.discovery.authenticate(email_address=email, code=code)
        return Discovery(
            intermediate_session_token=answer.intermediate_session_token,
            email=answer.email_address,
            organizations=parse.parse_discovered(answer.discovered_organizations, asked_at),
        )

    def create_organization(
        self, *, intermediate_session_token: str, name: str, slug: str
    ) -> SignInResult:
        """Create an organization whose first admin is the person of the token."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.discovery.organizations.create(
                intermediate_session_token=intermediate_session_token,
                organization_name=name or None,
                organization_slug=slug or None,
                session_duration_minutes=SESSION_MINUTES,
            )
        return parse.parse_sign_in(answer, asked_at)

    def exchange_intermediate_session(
        self, *, intermediate_session_token: str, stytch_org_id: str
    ) -> SignInResult:
        """Create a session in a discovered organization, joining or accepting where needed."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.discovery.intermediate_sessions.exchange(
                intermediate_session_token=intermediate_session_token,
                organization_id=stytch_org_id,
                session_duration_minutes=SESSION_MINUTES,
            )
        return parse.parse_sign_in(answer, asked_at)

    def authenticate_invitation_token(self, *, token: str) -> SignInResult:
        """Spend an invitation's token, which makes its member active."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.magic_links.authenticate(
                magic_links_token=token, session_duration_minutes=SESSION_MINUTES
            )
        return parse.parse_sign_in(answer, asked_at)

    # ── Identity providers ───────────────────────────────────────────────────────────────────

    def build_oauth_url(self, *, provider: str, redirect_url: str, code_challenge: str) -> str:
        """Return where a browser starts to sign in with a provider such as Google.

        https://stytch.com/docs/api-reference/b2b/api/oauth/discovery/start-google
        """
        return self._build_start_url(
            f"/v1/b2b/public/oauth/{provider}/discovery/start",
            code_challenge,
            discovery_redirect_url=redirect_url,
        )

    def build_sso_url(self, *, connection_id: str, redirect_url: str, code_challenge: str) -> str:
        """Return where a browser starts to sign in with an organization's own provider.

        https://stytch.com/docs/b2b/api/sso-authenticate-start
        """
        return self._build_start_url(
            "/v1/public/sso/start",
            code_challenge,
            connection_id=connection_id,
            login_redirect_url=redirect_url,
            signup_redirect_url=redirect_url,
        )

    def authenticate_oauth_token(self, *, token: str, code_verifier: str) -> Discovery:
        """Spend the token that a provider's sign-in ends with."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.oauth.discovery.authenticate(
                discovery_oauth_token=token, pkce_code_verifier=code_verifier or None
            )
        return Discovery(
            intermediate_session_token=answer.intermediate_session_token,
            email=answer.email_address,
            organizations=parse.parse_discovered(answer.discovered_organizations, asked_at),
        )

    def authenticate_sso_token(self, *, token: str, code_verifier: str) -> SignInResult:
        """Spend the token that the sign-in with an organization's own provider ends with."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.sso.authenticate(
                sso_token=token,
                pkce_code_verifier=code_verifier or None,
                session_duration_minutes=SESSION_MINUTES,
            )
        return parse.parse_sign_in(answer, asked_at)

    def _build_start_url(self, path: str, code_challenge: str, **parameters: str) -> str:
        query = {"public_token": settings.STYTCH_PUBLIC_TOKEN, **parameters}
        if code_challenge:
            query["pkce_code_challenge"] = code_challenge
        return f"{self._client.api_base.url_for(path, {})}?{urlencode(query)}"
