"""Who leaves.

A member or a whole organization, and the sessions that end with them.
"""

from sandbox.store import Document
from sandbox.stytch import members, organizations, sessions, webhooks
from sandbox.world import World


def of_member(world: World, member: Document, *, source: webhooks.Source) -> None:
    """Delete a member.

    Sessions end, and links sent before no longer work.
    """
    members.delete_member(world, member, source=source)
    sessions.end_member_sessions(world, member["member_id"])


def of_organization(world: World, organization: Document, *, source: webhooks.Source) -> None:
    """Delete an organization with everyone in it."""
    for member_id in members.forget_members(world, organization):
        sessions.end_member_sessions(world, member_id)
    organizations.delete_organization(world, organization, source=source)
