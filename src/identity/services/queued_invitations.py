"""Keep the invitations of a bulk listed until a job has sent them, and revoke those not sent yet.

    queued ── the job claims it, sends it, and the answer is applied ──▶ pending
      │
      ├────── an admin revokes it ─────────────────────────────────────▶ revoked
      └────── the directory refuses it, or four days pass ─────────────▶ refused

The organization's lock decides between the job and a revocation: a claimed invitation is revoked
only after the claim has ended, and then also at the directory, which may have got it.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from identity import directories, event_types
from identity.directories.types import MemberDeleted, Snapshot
from identity.errors import ChangeInProgress
from identity.models import (
    INVITATION_LIFETIME,
    ChangeKind,
    ChangeState,
    Invitation,
    InvitationStatus,
    PendingChange,
)
from identity.models.invitations import InvitationQuerySet
from identity.services import pending_changes
from identity.sync import attribution
from identity.sync import invitations as stored_invitations
from identity.sync.apply import Applied
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

BULK_LEASE = timedelta(days=4)  # its job tries for three: until then no one else may settle it
CLAIM_DURATION = pending_changes.CHANGE_LEASE
NOT_SENT_CODE = "not_sent"
MAX_CLOSED_PER_RUN = 100


def queue_invitation(change: PendingChange) -> Invitation:
    """Store the invitation that a job will send, under the organization's lock."""
    return Invitation.objects.create(
        organization=change.organization,
        email=change.details["email"],
        name=change.details["name"],
        role=change.role,
        status=InvitationStatus.QUEUED,
        invited_by=stored_invitations.find_inviter(change.organization),
        sent_at=None,
        expires_at=timezone.now() + INVITATION_LIFETIME,
    )


def claim_invitation(change: PendingChange) -> bool:
    """Claim the invitation of a change for one attempt to send it, under the organization's lock.

    Returns False, and closes the change, when it was revoked or its person is a member already.

    Raises ChangeInProgress while another attempt holds the claim.
    """
    with transaction.atomic():
        organization = locks.lock_organization(change.organization_id)
        change.refresh_from_db(fields=["state"])
        invitation = _find_queued(organization, change)
        if change.state != ChangeState.OPEN or invitation is None:
            attribution.close_change(change, ChangeState.LAPSED)
            return False
        _require_no_claim(invitation)
        invitation.claimed_until = timezone.now() + CLAIM_DURATION
        invitation.save(update_fields=["claimed_until", "updated_at"])
    return True


def end_claim(change: PendingChange) -> None:
    """End the claim after an attempt that is repeated later. What it did is not known."""
    now = timezone.now()
    _select_queued(change.organization, change.details["email"]).update(
        claimed_until=now, updated_at=now
    )


def refuse_invitation(change: PendingChange, *, code: str) -> None:
    """Close a queued invitation that will not be sent, with the code of the refusal."""
    with transaction.atomic():
        organization = locks.lock_organization(change.organization_id)
        invitation = _find_queued(organization, change)
        if invitation is not None:
            _refuse(organization, invitation, code)


def revoke_queued_invitation(organization: Organization, *, invitation_id: UUID) -> None:
    """Revoke an invitation that no job has sent yet.

    One that an attempt may have sent is looked for at the directory, and deleted there.

    Raises ChangeInProgress while an attempt is sending it, and when it was sent meanwhile.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        rows = Invitation.objects.in_organization(organization).queued()
        invitation = rows.filter(pk=invitation_id).first()
        if invitation is None:
            raise ChangeInProgress("It has just been sent. Try again.")
        _require_no_claim(invitation)
        subject = attribution.subject_of_address(invitation.email)
        _close_invite_change(organization, subject)
        if invitation.claimed_until is None:
            _record_revoked(invitation.pk, organization)
            return
        change = pending_changes.open_change(
            organization=organization,
            kind=ChangeKind.REVOKE,
            subject=subject,
            role_before=invitation.role,
            details={"email": invitation.email},
        )
    ask = partial(_delete_if_invited, organization.stytch_org_id or "", invitation.email)
    pending_changes.execute_change(change, ask, record=partial(_record_revoked, invitation.pk))


def close_unsent_invitations() -> None:
    """Refuse the queued invitations whose job has given up."""
    old = Invitation.objects.queued().filter(created_at__lt=timezone.now() - BULK_LEASE)
    for id_, organization_id in old.values_list("pk", "organization_id")[:MAX_CLOSED_PER_RUN]:
        with transaction.atomic():
            organization = locks.lock_organization(organization_id)
            invitation = Invitation.objects.queued().filter(pk=id_).first()
            if invitation is not None:
                _close_invite_change(organization, attribution.subject_of_address(invitation.email))
                _refuse(organization, invitation, NOT_SENT_CODE)


def _refuse(organization: Organization, invitation: Invitation, code: str) -> None:
    invitation.status = InvitationStatus.REFUSED
    invitation.refusal = code
    invitation.save(update_fields=["status", "refusal", "updated_at"])
    events.record(
        organization, event_types.INVITATION_REFUSED, invitation.pk, details={"code": code}
    )


def _find_queued(organization: Organization, change: PendingChange) -> Invitation | None:
    return _select_queued(organization, change.details["email"]).first()


def _select_queued(organization: Organization, email: str) -> InvitationQuerySet:
    queued = Invitation.objects.in_organization(organization).queued()
    return queued.with_address(email)


def _require_no_claim(invitation: Invitation) -> None:
    if invitation.claimed_until is not None and invitation.claimed_until > timezone.now():
        raise ChangeInProgress("It is being sent. Try again in a moment.")


def _close_invite_change(organization: Organization, subject: str) -> None:
    changes = PendingChange.objects.in_organization(organization).open()
    for change in changes.filter(subject=subject, kind=ChangeKind.INVITE):
        attribution.close_change(change, ChangeState.LAPSED)


def _delete_if_invited(stytch_org_id: str, email: str) -> Snapshot:
    """Delete the invited member with this address, or return one who accepted or was not invited."""
    directory = directories.get_directory()
    found = directory.find_member(stytch_org_id=stytch_org_id, email=email)
    if found is None:
        return MemberDeleted(stytch_member_id="")
    if found.status != "invited":
        return found
    return directory.delete_member(
        stytch_org_id=stytch_org_id, stytch_member_id=found.stytch_member_id
    )


def _record_revoked(
    invitation_id: UUID, organization: Organization, _applied: Applied | None = None
) -> None:
    invitation = Invitation.objects.in_organization(organization).get(pk=invitation_id)
    if invitation.status != InvitationStatus.QUEUED:
        return  # accepted meanwhile
    invitation.status = InvitationStatus.REVOKED
    invitation.save(update_fields=["status", "updated_at"])
    events.record(organization, event_types.INVITATION_CLOSED["revoked"], invitation.pk)
