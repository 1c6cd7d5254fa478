"""Sessions after signing in: longer, elsewhere, over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from identity import actors, directories, event_types
from identity.directories.types import SessionSnapshot
from identity.errors import InvalidSession, entering, within_session
from identity.models import Member, RevokedSession
from identity.sessions import sign_in
from identity.sessions.sign_in import Place, Session
from identity.sync import apply
from kit import jobs
from kit.errors import NotFound
from tenancy.models import Organization
from tenancy.services import events

MARGIN = timedelta(minutes=10)  # a session's last JWT may outlive it by five


def refresh(*, session_token: str) -> Session:
    """The same session with a fresh JWT; what Stytch says of its member is written down too.

    Raises InvalidSession.
    """
    with within_session():
        made = directories.current().refresh(session_token=session_token)
    if _revoked([made.session_id]):
        raise InvalidSession  # Stytch has not heard of it yet
    with transaction.atomic():
        apply.apply(made.organization)
        applied = apply.apply(made.member, proof=made.proof)
    if applied.organization is None or applied.member is None:
        raise NotFound
    return sign_in.session(made, applied.organization, applied.member)


def switch(*, session_jwt: str, organization_id: str) -> Session:
    """A session of the same person in another organization.

    Raises NotFound when the person has no place there, InvalidSession and MfaRequired.
    """
    stytch_org_id = sign_in.stytch_id(organization_id)
    with within_session(), entering():
        made = directories.current().switch(session_jwt=session_jwt, stytch_org_id=stytch_org_id)
    with actors.by_nobody():  # a member of the one organization is no member of the other
        return sign_in.record(made)


def places(*, session_jwt: str) -> list[Place]:
    """The organizations this session's person may enter. Raises InvalidSession."""
    with within_session():
        found = directories.current().discovered(session_jwt=session_jwt)
    return sign_in.places(found)


def listed(organization: Organization, member: Member) -> list[SessionSnapshot]:
    """The member's live sessions, the latest first, without those revoked here a moment ago."""
    with within_session():
        found = directories.current().sessions(
            stytch_org_id=organization.stytch_org_id or "",
            stytch_member_id=member.stytch_member_id or "",
        )
    revoked = _revoked(session.session_id for session in found)
    live = (session for session in found if session.session_id not in revoked)
    return sorted(live, key=lambda session: session.last_accessed_at, reverse=True)


def revoke_other(organization: Organization, member: Member, *, session_id: str) -> None:
    """End one of the member's own sessions. Raises NotFound for anybody else's."""
    for session in listed(organization, member):
        if session.session_id == session_id:
            revoke(organization, session_id=session_id, expires_at=session.expires_at)
            return
    raise NotFound


def revoke(organization: Organization, *, session_id: str, expires_at: datetime) -> None:
    """End a session: refused here from now on, and at Stytch as soon as it answers."""
    with transaction.atomic():
        _, created = RevokedSession.objects.get_or_create(
            session_id=session_id, defaults={"expires_at": expires_at + MARGIN}
        )
        if not created:
            return
        events.write(organization, event_types.SESSION_REVOKED, session_id)
        jobs.defer("identity.revoke_session", session_id=session_id)


def _revoked(session_ids: Iterable[str]) -> set[str]:
    rows = RevokedSession.objects.filter(session_id__in=list(session_ids))
    return set(rows.values_list("session_id", flat=True))
