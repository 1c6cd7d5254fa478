"""Refresh, switch, list and revoke sessions."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from identity import directories, event_types
from identity.actors import act_anonymously
from identity.directories.types import SessionSnapshot
from identity.errors import InvalidSession, translate_entering, translate_session_call
from identity.models import Member, RevokedSession
from identity.sessions import sign_in
from identity.sessions.authenticate import RequestContext
from identity.sessions.sign_in import Place, Session
from identity.sync import apply
from kit import jobs
from kit.addresses import normalize_email
from kit.errors import NotFound
from tenancy.models import Organization
from tenancy.services import events

REVOCATION_MARGIN = timedelta(minutes=10)  # a session's last JWT may outlive it by five


def refresh_session(*, session_token: str) -> Session:
    """Return the same session with a fresh JWT, and store what Stytch says of its member.

    Raises InvalidSession.
    """
    with translate_session_call():
        authenticated = directories.get_directory().authenticate_session(
            session_token=session_token
        )
    if _list_revoked([authenticated.session_id]):
        raise InvalidSession  # Stytch has not heard of it yet
    with transaction.atomic():
        apply.apply_snapshot(authenticated.organization)
        applied = apply.apply_snapshot(authenticated.member, proof=authenticated.proof)
    if applied.organization is None or applied.member is None:
        raise NotFound
    return sign_in.build_session(authenticated, applied.organization, applied.member)


def switch_organization(
    current: RequestContext, *, session_jwt: str, organization_id: str
) -> Session:
    """Create a session of the same person in another organization.

    Raises NotFound when the person has no place there or the session reaches its own organization
    only, InvalidSession, AnotherFactorRequired and MfaRequired.
    """
    stytch_org_id = sign_in.get_stytch_id(organization_id)
    is_own = stytch_org_id == current.organization.stytch_org_id
    if not is_own and not current.reaches_other_organizations:
        raise NotFound
    with translate_session_call(), translate_entering():
        result = directories.get_directory().exchange_session(
            session_jwt=session_jwt, stytch_org_id=stytch_org_id
        )
    with act_anonymously():  # a member of the one organization is no member of the other
        return sign_in.record_sign_in(result)


def list_session_places(current: RequestContext, *, session_jwt: str) -> list[Place]:
    """Return the organizations this session's person may enter.

    A session that proves no address is shown its own organization only, and so is one whose member
    has got another address at Stytch since it was stored. Raises InvalidSession.
    """
    own = [sign_in.build_own_place(current.organization)]
    if not current.reaches_other_organizations:
        return own
    with translate_session_call():
        found = directories.get_directory().list_discovered_organizations(session_jwt=session_jwt)
    is_same_address = normalize_email(found.email) == normalize_email(current.member.email)
    return sign_in.list_places(found.organizations) if is_same_address else own


def list_sessions(organization: Organization, member: Member) -> list[SessionSnapshot]:
    """Return the member's live sessions, the latest first, without those just revoked here."""
    with translate_session_call():
        found = directories.get_directory().list_sessions(
            stytch_org_id=organization.stytch_org_id or "",
            stytch_member_id=member.stytch_member_id or "",
        )
    revoked = _list_revoked(session.session_id for session in found)
    live = (session for session in found if session.session_id not in revoked)
    return sorted(live, key=lambda session: session.last_accessed_at, reverse=True)


def revoke_other_session(organization: Organization, member: Member, *, session_id: str) -> None:
    """Revoke one of the member's own sessions.

    Raises NotFound for a session of another member.
    """
    for session in list_sessions(organization, member):
        if session.session_id == session_id:
            revoke_session(organization, session_id=session_id, expires_at=session.expires_at)
            return
    raise NotFound


def revoke_session(organization: Organization, *, session_id: str, expires_at: datetime) -> None:
    """Revoke a session, here at once and at Stytch by a job."""
    with transaction.atomic():
        _, created = RevokedSession.objects.get_or_create(
            session_id=session_id, defaults={"expires_at": expires_at + REVOCATION_MARGIN}
        )
        if not created:
            return
        events.record(organization, event_types.SESSION_REVOKED, session_id)
        jobs.defer_job("identity.revoke_session", session_id=session_id)


def _list_revoked(session_ids: Iterable[str]) -> set[str]:
    rows = RevokedSession.objects.filter(session_id__in=list(session_ids))
    return set(rows.values_list("session_id", flat=True))
