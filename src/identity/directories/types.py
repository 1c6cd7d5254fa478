"""What identity asks of a directory, and the shapes that cross the border."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from kit.addresses import normalize_email
from kit.timestamps import parse_timestamp

Membership = Literal["active", "invited", "pending", "eligible"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The addresses a session has proved, each with the time of its e-mail factor.

    Only an e-mail factor names the address it was authenticated for. An OAuth factor names the
    provider's account and an SSO factor what the organization's own provider asserts; the address
    that the directory writes on the member afterwards is proved by neither.
    """

    addresses: Mapping[str, datetime] = field(default_factory=dict)
    has_oauth: bool = False

    def covers(self, email: str, *, since: datetime | None = None) -> bool:
        """Return whether the session proved `email`, and did so no earlier than `since`.

        The directory's times are whole seconds, so `since` is compared without its fraction.
        """
        proved_at = self.addresses.get(normalize_email(email))
        if proved_at is None:
            return False
        return since is None or proved_at >= since.replace(microsecond=0)

    def reaches_other_organizations(self, email: str, *, changed_at: datetime | None) -> bool:
        """Return whether the session may show and enter other organizations of its address.

        An organization's own provider asserts any address. An OAuth account keeps its session when
        the directory writes another address on the member, so it reaches nothing after that.
        """
        return self.covers(email, since=changed_at) or (self.has_oauth and changed_at is None)

    @classmethod
    def from_factors(cls, factors: Iterable[Mapping[str, Any]]) -> "Proof":
        """Read the proof from a session's factors, as its token or Stytch lists them."""
        listed = list(factors)
        if any(factor.get("type") == "impersonated" for factor in listed):
            return cls()
        found = ((_read_address(factor), factor) for factor in listed)
        return cls(
            {
                normalize_email(address): _authenticated_at(factor)
                for address, factor in found
                if address
            },
            has_oauth=any(factor.get("type") == "oauth" for factor in listed),
        )


def _read_address(factor: Mapping[str, Any]) -> str:
    if factor.get("delivery_method") != "email":
        return ""
    return (factor.get("email_factor") or {}).get("email_address") or ""


def _authenticated_at(factor: Mapping[str, Any]) -> datetime:
    """Return when the factor was authenticated.

    Without a time it proves no later address.
    """
    text = factor.get("last_authenticated_at")
    return parse_timestamp(text) if text else datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid session token claims.

    Its roles are left out, because the local member row decides.
    """

    stytch_member_id: str
    stytch_org_id: str
    session_id: str
    session_started_at: datetime
    session_expires_at: datetime
    expires_at: float
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What the session tokens of a directory have in common, and how their claims are read.

    `read_claims` raises KeyError, TypeError, ValueError or AttributeError for claims of another
    shape.
    """

    issuer: str
    audience: str
    key_id: re.Pattern[str]
    read_claims: Callable[[Mapping[str, Any]], Claims]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a directory can do, for services to ask instead of its name."""

    # How many searches it answers in a minute, which the nightly comparison must not exceed.
    searches_per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySnapshot:
    """The security settings of an organization. No allowed methods allow every one."""

    allowed_domains: list[str]
    invitations: str
    just_in_time_joining: bool
    mfa_policy: str
    allowed_sign_in_methods: list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSnapshot:
    """An organization as Stytch has it.

    `read_at` is when we asked, before the answer was made. `changed_at` is Stytch's own time of the
    last change, in whole seconds.
    """

    stytch_org_id: str
    name: str
    slug: str
    read_at: datetime
    changed_at: datetime | None = None
    security: SecuritySnapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDeleted:
    """An organization Stytch no longer has."""

    stytch_org_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSnapshot:
    """A member as Stytch has it.

    `read_at` is when we asked, before the answer was made. `has_former_email` tells that the member
    had another address before.
    """

    stytch_member_id: str
    stytch_org_id: str
    email: str
    email_verified: bool
    name: str
    status: Literal["pending", "invited", "active"]
    roles: tuple[str, ...]
    read_at: datetime
    changed_at: datetime | None = None
    has_former_email: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDeleted:
    """A member that Stytch no longer has.

    `read_at` is when we asked whether it is there; None when it was we who had it deleted.
    """

    stytch_member_id: str
    read_at: datetime | None = None


Snapshot = OrganizationSnapshot | OrganizationDeleted | MemberSnapshot | MemberDeleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """A session Stytch has just made or prolonged."""

    session_token: str = field(repr=False)
    session_jwt: str = field(repr=False)
    session_id: str
    started_at: datetime
    expires_at: datetime
    organization: OrganizationSnapshot
    member: MemberSnapshot
    proof: Proof


SecondFactor = Literal["totp", "sms", "recovery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorRequired:
    """A sign-in that a second factor finishes.

    `methods` are set up already if `enrolled`, else they may be set up now.
    """

    intermediate_session_token: str = field(repr=False)
    organization: OrganizationSnapshot
    stytch_member_id: str
    methods: tuple[SecondFactor, ...]
    enrolled: bool
    code_sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection to an organization's own identity provider."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryFactorRequired:
    """A sign-in by a method that the organization does not accept, or not alone."""

    intermediate_session_token: str = field(repr=False)
    organization: OrganizationSnapshot
    methods: tuple[str, ...]
    connections: tuple[Connection, ...]


SignInResult = Authenticated | SecondFactorRequired | PrimaryFactorRequired


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorCall:
    """The sign-in that a second factor is set up or checked for."""

    intermediate_session_token: str = field(repr=False)
    stytch_org_id: str
    stytch_member_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorApp:
    """The secret of a new authenticator app, which counts once its first code was checked."""

    secret: str = field(repr=False)
    qr_code: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """An organization a person may enter, and as what."""

    organization: OrganizationSnapshot
    membership: Membership


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Whose address it is, where they may go, and the short-lived token to go there."""

    intermediate_session_token: str = field(repr=False)
    email: str = field(repr=False)
    organizations: tuple[Discovered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSnapshot:
    """One of a member's sessions."""

    session_id: str
    started_at: datetime
    last_accessed_at: datetime
    expires_at: datetime
    factors: tuple[str, ...]


class Directory(Protocol):
    """The source of truth for organizations, members and sessions.

    Each call raises VendorUnavailable, VendorRejected or VendorNotFound, and TooManyRequests when
    the directory wants us to slow down, or SignInLocked after too many wrong codes.
    """

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def token_rules(self) -> TokenRules: ...

    def send_magic_link(self, *, email: str) -> None: ...
    def send_code(self, *, email: str) -> None: ...
    def authenticate_discovery_token(self, *, token: str) -> Discovery: ...
    def authenticate_discovery_code(self, *, email: str, code: str) -> Discovery: ...
    def create_organization(
        self, *, intermediate_session_token: str, name: str, slug: str
    ) -> SignInResult: ...
    def exchange_intermediate_session(
        self, *, intermediate_session_token: str, stytch_org_id: str
    ) -> SignInResult: ...
    def authenticate_invitation_token(self, *, token: str) -> SignInResult: ...

    def build_oauth_url(self, *, provider: str, redirect_url: str, code_challenge: str) -> str: ...
    def build_sso_url(
        self, *, connection_id: str, redirect_url: str, code_challenge: str
    ) -> str: ...
    def authenticate_oauth_token(self, *, token: str, code_verifier: str) -> Discovery: ...
    def authenticate_sso_token(self, *, token: str, code_verifier: str) -> SignInResult: ...

    def create_authenticator_app(self, sign_in: SecondFactorCall) -> AuthenticatorApp: ...
    def send_sms_code(self, sign_in: SecondFactorCall, *, phone_number: str) -> None: ...
    def authenticate_second_factor(
        self, sign_in: SecondFactorCall, *, method: SecondFactor, code: str
    ) -> Authenticated: ...

    def authenticate_session(self, *, session_token: str) -> Authenticated: ...
    def exchange_session(self, *, session_jwt: str, stytch_org_id: str) -> SignInResult: ...
    def list_discovered_organizations(
        self, *, session_jwt: str | None = None, intermediate_session_token: str | None = None
    ) -> Discovery: ...
    def list_sessions(
        self, *, stytch_org_id: str, stytch_member_id: str
    ) -> tuple[SessionSnapshot, ...]: ...
    def revoke_session(self, *, session_id: str) -> None: ...
    def revoke_member_sessions(self, *, stytch_member_id: str) -> None: ...
    def fetch_signing_keys(self) -> list[dict[str, Any]]: ...

    def fetch_organization(self, *, stytch_org_id: str) -> OrganizationSnapshot: ...
    def list_organizations(self) -> Iterator[OrganizationSnapshot]: ...
    def update_organization(
        self, *, stytch_org_id: str, name: str | None = None, slug: str | None = None
    ) -> OrganizationSnapshot: ...
    def update_security(
        self,
        *,
        stytch_org_id: str,
        allowed_domains: list[str] | None = None,
        invitations: str | None = None,
        just_in_time_joining: bool | None = None,
        mfa_policy: str | None = None,
        **methods: list[str] | None,
    ) -> OrganizationSnapshot: ...
    def has_sso_connection(self, *, stytch_org_id: str) -> bool: ...
    def fetch_member(self, *, stytch_member_id: str) -> MemberSnapshot | MemberDeleted: ...
    def find_member(self, *, stytch_org_id: str, email: str) -> MemberSnapshot | None: ...
    def find_members(
        self, *, stytch_org_ids: list[str], stytch_member_ids: list[str]
    ) -> list[MemberSnapshot | MemberDeleted]: ...
    def list_members(self, *, stytch_org_id: str) -> Iterator[MemberSnapshot]: ...
    def invite_member(
        self, *, stytch_org_id: str, email: str, name: str, roles: list[str], invited_by: str
    ) -> MemberSnapshot: ...
    def set_roles(
        self, *, stytch_org_id: str, stytch_member_id: str, roles: list[str]
    ) -> MemberSnapshot: ...
    def delete_member(self, *, stytch_org_id: str, stytch_member_id: str) -> MemberDeleted: ...
    def reactivate_member(self, *, stytch_org_id: str, stytch_member_id: str) -> MemberSnapshot: ...
