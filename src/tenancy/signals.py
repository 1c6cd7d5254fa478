"""What tenancy states as a fact, inside the transaction that made it so (kwarg: organization)."""

from django.dispatch import Signal

organization_created = Signal()
organization_updated = Signal()
organization_deleted = Signal()
