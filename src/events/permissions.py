"""The permissions of the audit trail."""

from kit.permissions import ADMIN_ROLES, declare_permission

declare_permission("event.read", ADMIN_ROLES, "Read the audit trail.")
