"""People, their membership in organizations, and the changes on their way to Stytch.

Stytch is the source of truth: Member and Invitation are replicas, written by `services.directory`.
"""

from identity.models.invitations import Invitation, InvitationStatus
from identity.models.members import Member, Status
from identity.models.pending_changes import ChangeKind, ChangeState, PendingChange
from identity.models.rate_limits import AttemptCounter
from identity.models.sessions import RevokedSession
from identity.models.users import ExternalIdentity, User

__all__ = [
    "AttemptCounter",
    "ChangeKind",
    "ChangeState",
    "ExternalIdentity",
    "Invitation",
    "InvitationStatus",
    "Member",
    "PendingChange",
    "RevokedSession",
    "Status",
    "User",
]
