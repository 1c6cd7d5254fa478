"""From a verified token to the member, person and organization behind it, as they are now."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

from identity.directories.types import Claims, Proof
from identity.errors import InvalidSession
from identity.models import Member, Status, User
from identity.roles import permissions
from identity.sync import fetch
from kit.errors import TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """The organization, member and permissions of a request, which `request.auth` holds."""

    organization: Organization
    member: Member
    session_id: str
    session_expires_at: datetime
    permissions: frozenset[str]
    proof: Proof

    @property
    def reaches_other_organizations(self) -> bool:
        """Return whether this session may show and enter other organizations of its person."""
        return self.proof.reaches_other_organizations(
            self.member.email, changed_at=self.member.email_changed_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentMember:
    """A member as it is now, with its person and organization, and whether the session is over."""

    member: Member
    is_revoked: bool


def _list_columns(model: type[Model]) -> list[str]:
    """Return the columns to read of a model, without secrets and those that need converting."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - documented API
    plain = [field for field in fields if not hasattr(field, "from_db_value")]
    return [field.attname for field in plain if field.name != "password"]


_COLUMNS_BY_MODEL: dict[type[Model], list[str]] = {
    model: _list_columns(model) for model in (Member, User, Organization)
}
_SESSION_SQL = """
    SELECT EXISTS (SELECT 1 FROM identity_revokedsession WHERE session_id = %s), {}
    FROM identity_member
    JOIN identity_user ON identity_user.id = identity_member.user_id
    JOIN tenancy_organization ON tenancy_organization.id = identity_member.organization_id
    WHERE identity_member.stytch_member_id = %s AND tenancy_organization.stytch_org_id = %s
""".format(  # noqa: S608 - the names are our models' own
    ", ".join(
        f"{model._meta.db_table}.{name}"  # noqa: SLF001 - documented API
        for model, names in _COLUMNS_BY_MODEL.items()
        for name in names
    )
)


def authenticate_claims(claims: Claims) -> RequestContext:
    """Load the member behind a token in one statement, never from a cache.

    A member we have not met is fetched from Stytch, once. Raises InvalidSession when the session
    was revoked or its member may not act, VendorUnavailable when a first sight cannot be checked.
    """
    current = _load_member(claims)
    if current is None or current.member.status == Status.PENDING:
        _pull_member(claims)  # Stytch signs for active members only
        current = _load_member(claims)
    elif _brings_news(current.member, claims):
        with suppress(VendorUnavailable, TooManyRequests):  # who is known need not wait for Stytch
            _pull_member(claims)
            current = _load_member(claims)
    if current is None or current.is_revoked or not _is_accepted(current.member, claims):
        raise InvalidSession
    member = current.member
    return RequestContext(
        organization=member.organization,
        member=member,
        session_id=claims.session_id,
        session_expires_at=claims.session_expires_at,
        permissions=permissions(member.role),
        proof=claims.proof,
    )


def _load_member(claims: Claims) -> CurrentMember | None:
    """Load the member, person and organization of a token.

    Every request runs this SQL, so it is written once: building it costs more than running it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _SESSION_SQL, [claims.session_id, claims.stytch_member_id, claims.stytch_org_id]
        )
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row[1:])
    member = _build_row(Member, values)
    member.user, member.organization = _build_row(User, values), _build_row(Organization, values)
    return CurrentMember(member=member, is_revoked=row[0])


def _build_row[M: Model](model: type[M], values: Iterator[Any]) -> M:
    names = _COLUMNS_BY_MODEL[model]
    return model.from_db(DEFAULT_DB_ALIAS, names, list(islice(values, len(names))))


def _is_accepted(member: Member, claims: Claims) -> bool:
    is_accepted = member.accepts_session(claims.session_id, claims.session_started_at)
    return is_accepted and not member.organization.is_deleted


def _brings_news(member: Member, claims: Claims) -> bool:
    """Return whether the token proves the member's address for the first time."""
    is_news = member.is_active and member.email_verified and member.proved_at is None
    return is_news and claims.proof.covers(member.email, since=member.email_changed_at)


def _pull_member(claims: Claims) -> None:
    try:
        fetch.pull_member(claims.stytch_member_id, proof=claims.proof)
    except (VendorNotFound, VendorRejected):
        raise InvalidSession from None
