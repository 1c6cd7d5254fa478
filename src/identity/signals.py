"""Signals of identity, sent inside the transaction of the change.

Billing receives them.

Each is sent by a service, by hand. `seat_wanted` and `seats_expected` are
questions: a receiver that raises refuses.
"""

from django.dispatch import Signal

# kwargs: organization, member
member_added = Signal()
member_removed = Signal()
member_reactivated = Signal()
member_suspended = Signal()
member_restored = Signal()

# kwargs: organization, member, before, after (roles)
member_role_changed = Signal()

# kwargs: organization, missing_admin (the row that flags it)
admin_lost = Signal()

# kwargs: organization, invitation; closed means accepted, revoked or expired: see invitation.status
invitation_created = Signal()
invitation_closed = Signal()

# kwargs: organization, role, before (the role held until now, or ""), reason ("invitation",
# "role_change", "reactivation", "restoration"), and with invitations and role changes expected_seats (what the
# admin was shown as paid for then, or None). Sent under the organization's lock before its pending change is written:
# counted + reserved + open pending changes + 1 must fit.
seat_wanted = Signal()

# kwargs: organization, roles (of the people to be invited), expected_seats. Sent under the same
# lock, before any of them is reserved.
seats_expected = Signal()
