"""The adapter on Stytch's own SDK. It takes no decision and holds no state but the connection."""

from collections.abc import Iterator
from typing import Any

import stytch
from django.conf import settings
from django.utils import timezone

from identity.directories.stytch import parse
from identity.directories.stytch.errors import translate_errors
from identity.directories.stytch.second_factors import SecondFactorCalls
from identity.directories.stytch.sign_in import SESSION_MINUTES, SignInCalls
from identity.directories.stytch.tokens import build_token_rules
from identity.directories.types import (
    Authenticated,
    Capabilities,
    Discovery,
    MemberDeleted,
    MemberSnapshot,
    OrganizationSnapshot,
    SessionSnapshot,
    SignInResult,
)
from kit import outbound
from kit.outbound import VendorNotFound

INVITATION_MINUTES = 7 * 24 * 60
PAGE_SIZE = 1000  # the most a search returns


class StytchDirectory(SignInCalls, SecondFactorCalls):
    """`identity.directories.types.Directory`, spoken to Stytch B2B."""

    name = "stytch"
    capabilities = Capabilities(
        searches_per_minute=100
    )  # as the SDK documents `organizations.members.search`

    def __init__(self) -> None:
        self.token_rules = build_token_rules()
        self._client = stytch.B2BClient(
            project_id=settings.STYTCH_PROJECT_ID,
            secret=settings.STYTCH_SECRET,
            environment=settings.STYTCH_BASE_URL or None,
            suppress_warnings=True,
            sync_session=outbound.create_session(),
        )

    # ── Sessions ─────────────────────────────────────────────────────────────────────────────

    def authenticate_session(self, *, session_token: str) -> Authenticated:
        """Extend a session and return it with a fresh JWT."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.sessions.authenticate(
                session_token=session_token, session_duration_minutes=SESSION_MINUTES
            )
        return parse.parse_session(answer, answer.member_session, asked_at)

    def exchange_session(self, *, session_jwt: str, stytch_org_id: str) -> SignInResult:
        """Create a session of the same person in another organization."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.sessions.exchange(
                organization_id=stytch_org_id,
                session_jwt=session_jwt,
                session_duration_minutes=SESSION_MINUTES,
            )
        return parse.parse_sign_in(answer, asked_at)

    def list_discovered_organizations(
        self, *, session_jwt: str | None = None, intermediate_session_token: str | None = None
    ) -> Discovery:
        """Return where the person of a session, or of a sign-in under way, may go.

        Neither is used up. The answer is about the address that Stytch has now.
        """
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.discovery.organizations.list(
                session_jwt=session_jwt, intermediate_session_token=intermediate_session_token
            )
        return Discovery(
            intermediate_session_token=intermediate_session_token or "",
            email=answer.email_address,
            organizations=parse.parse_discovered(answer.discovered_organizations, asked_at),
        )

    def list_sessions(
        self, *, stytch_org_id: str, stytch_member_id: str
    ) -> tuple[SessionSnapshot, ...]:
        """Return a member's live sessions."""
        with translate_errors():
            answer = self._client.sessions.get(
                organization_id=stytch_org_id, member_id=stytch_member_id
            )
        return tuple(parse.parse_listed_session(session) for session in answer.member_sessions)

    def revoke_session(self, *, session_id: str) -> None:
        """End one session."""
        with translate_errors():
            self._client.sessions.revoke(member_session_id=session_id)

    def revoke_member_sessions(self, *, stytch_member_id: str) -> None:
        """End all sessions of a member."""
        with translate_errors():  # https://stytch.com/docs/b2b/api/revoke-session
            self._client.sessions.revoke(member_id=stytch_member_id)

    def fetch_signing_keys(self) -> list[dict[str, Any]]:
        """Return the public keys session tokens are signed with, as JWKs."""
        with translate_errors():
            answer = self._client.sessions.get_jwks(project_id=settings.STYTCH_PROJECT_ID)
        return [key.model_dump() for key in answer.keys]

    # ── The directory ────────────────────────────────────────────────────────────────────────

    def fetch_organization(self, *, stytch_org_id: str) -> OrganizationSnapshot:
        """Return one organization."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.organizations.get(organization_id=stytch_org_id)
        return parse.parse_organization(answer.organization, asked_at)

    def list_organizations(self) -> Iterator[OrganizationSnapshot]:
        """Yield all organizations of the project, page by page."""
        cursor: str | None = None
        while True:
            asked_at = timezone.now()
            with translate_errors():
                answer = self._client.organizations.search(cursor=cursor, limit=PAGE_SIZE)
            for found in answer.organizations:
                yield parse.parse_organization(found, asked_at)
            cursor = answer.results_metadata.next_cursor
            if not cursor:
                return

    def update_organization(
        self, *, stytch_org_id: str, name: str | None = None, slug: str | None = None
    ) -> OrganizationSnapshot:
        """Rename an organization, leaving what is None as it is."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.organizations.update(
                organization_id=stytch_org_id, organization_name=name, organization_slug=slug
            )
        return parse.parse_organization(answer.organization, asked_at)

    def update_security(self, *, stytch_org_id: str, **wanted: Any) -> OrganizationSnapshot:  # noqa: ANN401 - see the protocol
        """Change security settings of an organization."""
        fields = parse.build_security_fields(wanted)
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.organizations.update(organization_id=stytch_org_id, **fields)
        return parse.parse_organization(answer.organization, asked_at)

    def has_sso_connection(self, *, stytch_org_id: str) -> bool:
        """Return whether the organization has connected an identity provider."""
        with translate_errors():
            answer = self._client.organizations.get(organization_id=stytch_org_id)
        return bool(answer.organization.sso_active_connections)

    def fetch_member(self, *, stytch_member_id: str) -> MemberSnapshot | MemberDeleted:
        """Return one member by its id alone.

        An event about a deletion names no organization.
        """
        asked_at = timezone.now()
        try:
            with translate_errors():
                answer = self._client.organizations.members.dangerously_get(
                    member_id=stytch_member_id, include_deleted=True
                )
        except VendorNotFound:
            return MemberDeleted(stytch_member_id=stytch_member_id, read_at=asked_at)
        return parse.parse_member(answer.member, asked_at)

    def find_member(self, *, stytch_org_id: str, email: str) -> MemberSnapshot | None:
        """Return the member with this address, if it is there and not deleted."""
        asked_at = timezone.now()
        try:
            with translate_errors():
                answer = self._client.organizations.members.get(
                    organization_id=stytch_org_id, email_address=email
                )
        except VendorNotFound:
            return None
        found = parse.parse_member(answer.member, asked_at)
        return found if isinstance(found, MemberSnapshot) else None

    def find_members(
        self, *, stytch_org_ids: list[str], stytch_member_ids: list[str]
    ) -> list[MemberSnapshot | MemberDeleted]:
        """Return these members of these organizations, deleted ones included, by one search."""
        statuses = ["active", "pending", "invited", "deleted"]
        operands = [
            {"filter_name": "member_ids", "filter_value": stytch_member_ids},
            {"filter_name": "statuses", "filter_value": statuses},
        ]
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.organizations.members.search(
                organization_ids=stytch_org_ids,
                limit=PAGE_SIZE,
                query={"operator": "AND", "operands": operands},
            )
        return [parse.parse_member(found, asked_at) for found in answer.members]

    def list_members(self, *, stytch_org_id: str) -> Iterator[MemberSnapshot]:
        """Yield all members of an organization that are not deleted, page by page."""
        cursor: str | None = None
        # A plain dictionary: the SDK turns its own SearchQuery into one by a deprecated method.
        statuses = {"filter_name": "statuses", "filter_value": ["active", "pending", "invited"]}
        query = {"operator": "AND", "operands": [statuses]}
        while True:
            asked_at = timezone.now()
            with translate_errors():
                answer = self._client.organizations.members.search(
                    organization_ids=[stytch_org_id], cursor=cursor, limit=PAGE_SIZE, query=query
                )
            for found in answer.members:
                yield parse.parse_present_member(found, asked_at)
            cursor = answer.results_metadata.next_cursor
            if not cursor:
                return

    def invite_member(
        self, *, stytch_org_id: str, email: str, name: str, roles: list[str], invited_by: str
    ) -> MemberSnapshot:
        """Mail an invitation, again if the address was invited before."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.magic_links.email.invite(
                organization_id=stytch_org_id,
                email_address=email,
                name=name or None,
                roles=roles,
                invited_by_member_id=invited_by or None,
                invite_redirect_url=settings.AUTH_REDIRECT_URL,
                invite_expiration_minutes=INVITATION_MINUTES,
            )
        return parse.parse_present_member(answer.member, asked_at)

    def set_roles(
        self, *, stytch_org_id: str, stytch_member_id: str, roles: list[str]
    ) -> MemberSnapshot:
        """Replace our roles of a member, keeping custom ones and those its provider implies."""
        with translate_errors():  # an update replaces all that were assigned by hand
            held = self._client.organizations.members.get(
                organization_id=stytch_org_id, member_id=stytch_member_id
            )
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.organizations.members.update(
                organization_id=stytch_org_id,
                member_id=stytch_member_id,
                roles=[*roles, *parse.list_assigned_roles(held.member)],
            )
        return parse.parse_present_member(answer.member, asked_at)

    def delete_member(self, *, stytch_org_id: str, stytch_member_id: str) -> MemberDeleted:
        """Delete a member with its sessions and links, also one that is gone already."""
        try:
            with translate_errors():
                self._client.organizations.members.delete(
                    organization_id=stytch_org_id, member_id=stytch_member_id
                )
        except VendorNotFound:
            pass
        return MemberDeleted(stytch_member_id=stytch_member_id)

    def reactivate_member(self, *, stytch_org_id: str, stytch_member_id: str) -> MemberSnapshot:
        """Bring a deleted member back."""
        asked_at = timezone.now()
        with translate_errors():
            answer = self._client.organizations.members.reactivate(
                organization_id=stytch_org_id, member_id=stytch_member_id
            )
        return parse.parse_present_member(answer.member, asked_at)
