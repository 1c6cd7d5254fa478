"""Delete members and organizations together with their sessions."""

from sandbox.store import Document
from sandbox.stytch import members, organizations, sessions, webhooks
from sandbox.world import World


def of_member(world: World, member: Document, *, source: webhooks.Source) -> None:
    """Delete a member and end its sessions, so that earlier links no longer work."""
    members.delete_member(world, member, source=source)
    sessions.end_member_sessions(world, member["member_id"])


def of_organization(world: World, organization: Document, *, source: webhooks.Source) -> None:
    """Delete an organization, its members and their sessions."""
    for member_id in members.forget_members(world, organization):
        sessions.end_member_sessions(world, member_id)
    organizations.delete_organization(world, organization, source=source)
