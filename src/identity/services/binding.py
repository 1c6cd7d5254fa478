"""From a verified token to the member, person and organization behind it, as they are now."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists

from identity.errors import InvalidSession
from identity.models import Member, RevokedSession, Status
from identity.roles import permissions
from identity.services import pull
from identity.verification.tokens import Claims
from kit.vendors import VendorNotFound, VendorRejected
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Who a request is by: what `request.auth` holds."""

    organization: Organization
    member: Member
    session_id: str
    session_expires_at: datetime
    permissions: frozenset[str]


def bind(claims: Claims) -> Bound:
    """Read the standing behind a token, in one statement; never cached.

    A member we have not met is fetched from Stytch, once. Raises InvalidSession when the session
    was revoked or its member may not act, VendorUnavailable when a first sight cannot be checked.
    """
    member = _read(claims)
    if member is None or _needs_pull(member, claims):
        _pull(claims)
        member = _read(claims)
    if member is None or member.is_revoked or not _may_act(member):  # type: ignore[attr-defined]  # annotated
        raise InvalidSession
    return Bound(
        organization=member.organization,
        member=member,
        session_id=claims.session_id,
        session_expires_at=claims.session_expires_at,
        permissions=permissions(member.role),
    )


def _read(claims: Claims) -> Member | None:
    revoked = RevokedSession.objects.filter(session_id=claims.session_id)
    members = Member.objects.select_related("user", "organization").annotate(
        is_revoked=Exists(revoked)
    )
    return members.filter(
        stytch_member_id=claims.stytch_member_id,
        organization__stytch_org_id=claims.stytch_org_id,
    ).first()


def _may_act(member: Member) -> bool:
    return member.is_active and member.user.is_active and not member.organization.is_deleted


def _needs_pull(member: Member, claims: Claims) -> bool:
    """Stytch signs for active members only; and a token may show the address for the first time."""
    if member.status == Status.PENDING:
        return True
    is_news = member.is_active and member.email_verified and member.proved_at is None
    return is_news and claims.proof.covers(member.email)


def _pull(claims: Claims) -> None:
    try:
        pull.member(claims.stytch_member_id, proof=claims.proof)
    except (VendorNotFound, VendorRejected):
        raise InvalidSession from None
