"""From a verified token to the member, person and organization behind it, as they are now."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

from identity.errors import InvalidSession
from identity.models import Member, Status, User
from identity.roles import permissions
from identity.sessions.jwt import Claims
from identity.sync import fetch
from kit.errors import TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Who a request is by: what `request.auth` holds."""

    organization: Organization
    member: Member
    session_id: str
    session_expires_at: datetime
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member as it is now, with its person and organization, and whether the session is over."""

    member: Member
    is_revoked: bool


def _columns(model: type[Model]) -> list[str]:
    """What to read of a model; what is secret, or needs converting, is loaded if ever asked for."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - documented API
    plain = [field for field in fields if not hasattr(field, "from_db_value")]
    return [field.attname for field in plain if field.name != "password"]


_PARTS: dict[type[Model], list[str]] = {
    model: _columns(model) for model in (Member, User, Organization)
}
_SQL = """
    SELECT EXISTS (SELECT 1 FROM identity_revokedsession WHERE session_id = %s), {}
    FROM identity_member
    JOIN identity_user ON identity_user.id = identity_member.user_id
    JOIN tenancy_organization ON tenancy_organization.id = identity_member.organization_id
    WHERE identity_member.stytch_member_id = %s AND tenancy_organization.stytch_org_id = %s
""".format(  # noqa: S608 - the names are our models' own
    ", ".join(
        f"{model._meta.db_table}.{name}"  # noqa: SLF001 - documented API
        for model, names in _PARTS.items()
        for name in names
    )
)


def bind(claims: Claims) -> Bound:
    """Read the standing behind a token, in one statement; never cached.

    A member we have not met is fetched from Stytch, once. Raises InvalidSession when the session
    was revoked or its member may not act, VendorUnavailable when a first sight cannot be checked.
    """
    standing = _read(claims)
    if standing is None or standing.member.status == Status.PENDING:
        _pull(claims)  # Stytch signs for active members only
        standing = _read(claims)
    elif _brings_news(standing.member, claims):
        with suppress(VendorUnavailable, TooManyRequests):  # who is known need not wait for Stytch
            _pull(claims)
            standing = _read(claims)
    if standing is None or standing.is_revoked or not _may_act(standing.member, claims):
        raise InvalidSession
    member = standing.member
    return Bound(
        organization=member.organization,
        member=member,
        session_id=claims.session_id,
        session_expires_at=claims.session_expires_at,
        permissions=permissions(member.role),
    )


def _read(claims: Claims) -> Standing | None:
    """Every request asks this, so its SQL is written once: building it costs more than running it."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [claims.session_id, claims.stytch_member_id, claims.stytch_org_id])
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row[1:])
    member = _row(Member, values)
    member.user, member.organization = _row(User, values), _row(Organization, values)
    return Standing(member=member, is_revoked=row[0])


def _row[M: Model](model: type[M], values: Iterator[Any]) -> M:
    names = _PARTS[model]
    return model.from_db(DEFAULT_DB_ALIAS, names, list(islice(values, len(names))))


def _may_act(member: Member, claims: Claims) -> bool:
    is_accepted = member.accepts_session(claims.session_id, claims.session_started_at)
    return is_accepted and not member.organization.is_deleted


def _brings_news(member: Member, claims: Claims) -> bool:
    """Whether the token shows for the first time that the member reads its address."""
    is_news = member.is_active and member.email_verified and member.proved_at is None
    return is_news and claims.proof.covers(member.email, since=member.email_changed_at)


def _pull(claims: Claims) -> None:
    try:
        fetch.member(claims.stytch_member_id, proof=claims.proof)
    except (VendorNotFound, VendorRejected):
        raise InvalidSession from None
