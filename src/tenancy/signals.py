"""Signals sent inside the transaction of the change, with the argument `organization`."""

from django.dispatch import Signal

organization_created = Signal()
organization_updated = Signal()
organization_deleted = Signal()
organization_suspended = Signal()
organization_restored = Signal()
