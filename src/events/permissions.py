"""The permissions of the audit trail."""

from kit.permissions import ADMINS, declare

declare("event.read", ADMINS, "Read the audit trail.")
