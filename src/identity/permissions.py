"""The permissions about organizations, members and invitations."""

from kit.permissions import ADMINS, ALL_ROLES, declare_permission

declare_permission("organization.read", ALL_ROLES, "See the organization.")
declare_permission("organization.update", ADMINS, "Rename the organization or change its slug.")
declare_permission("permission.read", ALL_ROLES, "See this table.")
declare_permission("member.read", ALL_ROLES, "See the members.")
declare_permission("member.update", ADMINS, "Change a member's role, and transfer the admin role.")
declare_permission("member.remove", ADMINS, "Remove and reactivate members.")
declare_permission("member.leave", ALL_ROLES, "Leave the organization.")
declare_permission("invitation.read", ADMINS, "See the invitations.")
declare_permission("invitation.create", ADMINS, "Invite people, and send an invitation again.")
declare_permission("invitation.revoke", ADMINS, "Revoke an invitation.")
