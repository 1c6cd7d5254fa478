"""The permissions about organizations, members and invitations."""

from kit.permissions import ADMINS, ALL_ROLES, declare

declare("organization.read", ALL_ROLES, "See the organization.")
declare("organization.update", ADMINS, "Rename the organization or change its slug.")
declare("permission.read", ALL_ROLES, "See this table.")
declare("member.read", ALL_ROLES, "See the members.")
declare("member.update", ADMINS, "Change a member's role, and transfer the admin role.")
declare("member.remove", ADMINS, "Remove and reactivate members.")
declare("member.leave", ALL_ROLES, "Leave the organization.")
declare("invitation.read", ADMINS, "See the invitations.")
declare("invitation.create", ADMINS, "Invite people, and send an invitation again.")
declare("invitation.revoke", ADMINS, "Revoke an invitation.")
