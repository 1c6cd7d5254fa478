"""The permissions about organizations, members and invitations."""

from kit.permissions import ADMIN_ROLES, ALL_ROLES, declare_permission

declare_permission("organization.read", ALL_ROLES, "See the organization.")
declare_permission(
    "organization.update", ADMIN_ROLES, "Rename the organization or change its slug."
)
declare_permission("security.read", ADMIN_ROLES, "See the security settings.")
declare_permission("security.update", ADMIN_ROLES, "Change the security settings.")
declare_permission("permission.read", ALL_ROLES, "See this table.")
declare_permission("member.read", ALL_ROLES, "See the members.")
declare_permission(
    "member.update", ADMIN_ROLES, "Change a member's role, and transfer the admin role."
)
declare_permission("member.remove", ADMIN_ROLES, "Remove and reactivate members.")
declare_permission("member.suspend", ADMIN_ROLES, "Suspend and restore members.")
declare_permission("member.leave", ALL_ROLES, "Leave the organization.")
declare_permission("invitation.read", ADMIN_ROLES, "See the invitations.")
declare_permission("invitation.create", ADMIN_ROLES, "Invite people, and send an invitation again.")
declare_permission("invitation.revoke", ADMIN_ROLES, "Revoke an invitation.")
