"""People, their membership in organizations, and the changes on their way to Stytch.

Stytch is the source of truth: Member and Invitation are replicas, written by `identity.sync`.
"""

from identity.models.invitations import INVITATION_LIFETIME, Invitation, InvitationStatus
from identity.models.members import Member, Status
from identity.models.missing_admins import MissingAdmin
from identity.models.pending_changes import ChangeKind, ChangeState, PendingChange
from identity.models.rate_limits import AttemptCounter
from identity.models.security import SecuritySettings, SignInMethod
from identity.models.sessions import RevokedSession, SigningKeySet
from identity.models.support_access import SupportAccess
from identity.models.users import User

__all__ = [
    "INVITATION_LIFETIME",
    "AttemptCounter",
    "ChangeKind",
    "ChangeState",
    "Invitation",
    "InvitationStatus",
    "Member",
    "MissingAdmin",
    "PendingChange",
    "RevokedSession",
    "SecuritySettings",
    "SignInMethod",
    "SigningKeySet",
    "Status",
    "SupportAccess",
    "User",
]
