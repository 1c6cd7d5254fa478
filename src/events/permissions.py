"""The permissions of the audit trail."""

from kit.permissions import ADMINS, declare_permission

declare_permission("event.read", ADMINS, "Read the audit trail.")
