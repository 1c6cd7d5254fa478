"""What identity asks of a directory, and the shapes that cross the border."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

Membership = Literal["active", "invited", "pending", "eligible"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the factors of a session show about who is behind it.

    An organization's own identity provider (`federated`) asserts whatever its owner likes, so only
    an e-mail factor, or an OAuth factor without such company, shows that a person owns an address.
    """

    addresses: frozenset[str] = frozenset()
    oauth: bool = False
    federated: bool = False

    def covers(self, email: str) -> bool:
        """Whether the session shows that its person reads this address."""
        return email.lower() in self.addresses or (self.oauth and not self.federated)

    @classmethod
    def of(cls, factors: Iterable[Mapping[str, Any]]) -> "Proof":
        """The proof in a session's authentication factors, as its token or Stytch lists them."""
        shown = list(factors)
        kinds = {factor.get("type") for factor in shown}
        if "impersonated" in kinds:
            return cls()
        addresses = (
            (factor.get("email_factor") or {}).get("email_address")
            for factor in shown
            if factor.get("delivery_method") == "email"
        )
        return cls(
            addresses=frozenset(address.lower() for address in addresses if address),
            oauth="oauth" in kinds,
            federated="sso" in kinds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSnapshot:
    """An organization as Stytch tells it."""

    stytch_org_id: str
    name: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDeleted:
    """An organization Stytch no longer has."""

    stytch_org_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSnapshot:
    """A member as Stytch tells it; `read_at` is when we asked, before the answer was made."""

    stytch_member_id: str
    stytch_org_id: str
    email: str
    email_verified: bool
    name: str
    status: Literal["pending", "invited", "active"]
    roles: tuple[str, ...]
    read_at: datetime
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDeleted:
    """A member Stytch no longer has, in whichever organization it was.

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
    expires_at: datetime
    organization: OrganizationSnapshot
    member: MemberSnapshot
    proof: Proof


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
    the directory wants us to slow down; signing in also raises MfaRequired.
    """

    def send_magic_link(self, *, email: str) -> None: ...
    def send_code(self, *, email: str) -> None: ...
    def discover(self, *, token: str) -> Discovery: ...
    def discover_by_code(self, *, email: str, code: str) -> Discovery: ...
    def create_organization(
        self, *, intermediate_session_token: str, name: str, slug: str
    ) -> Authenticated: ...
    def enter(self, *, intermediate_session_token: str, stytch_org_id: str) -> Authenticated: ...
    def accept(self, *, token: str) -> Authenticated: ...

    def refresh(self, *, session_token: str) -> Authenticated: ...
    def switch(self, *, session_jwt: str, stytch_org_id: str) -> Authenticated: ...
    def discovered(
        self, *, session_jwt: str | None = None, intermediate_session_token: str | None = None
    ) -> tuple[Discovered, ...]: ...
    def sessions(
        self, *, stytch_org_id: str, stytch_member_id: str
    ) -> tuple[SessionSnapshot, ...]: ...
    def revoke_session(self, *, session_id: str) -> None: ...
    def signing_keys(self) -> list[dict[str, Any]]: ...

    def organization(self, *, stytch_org_id: str) -> OrganizationSnapshot: ...
    def organizations(self) -> Iterator[OrganizationSnapshot]: ...
    def update_organization(
        self, *, stytch_org_id: str, name: str | None = None, slug: str | None = None
    ) -> OrganizationSnapshot: ...
    def member(self, *, stytch_member_id: str) -> MemberSnapshot | MemberDeleted: ...
    def find_member(self, *, stytch_org_id: str, email: str) -> MemberSnapshot | None: ...
    def members(self, *, stytch_org_id: str) -> Iterator[MemberSnapshot]: ...
    def invite(
        self, *, stytch_org_id: str, email: str, name: str, roles: list[str], invited_by: str
    ) -> MemberSnapshot: ...
    def set_roles(
        self, *, stytch_org_id: str, stytch_member_id: str, roles: list[str]
    ) -> MemberSnapshot: ...
    def delete_member(self, *, stytch_org_id: str, stytch_member_id: str) -> MemberDeleted: ...
    def reactivate(self, *, stytch_org_id: str, stytch_member_id: str) -> MemberSnapshot: ...
