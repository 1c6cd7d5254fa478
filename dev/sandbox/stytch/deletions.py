"""Delete members and organizations together with their sessions."""

from sandbox.store import Document
from sandbox.stytch import members, organizations, sessions, webhooks
from sandbox.world import World


def delete_member_and_sessions(world: World, member: Document, *, source: webhooks.Source) -> None:
    """Delete a member and end its sessions, so that earlier links no longer work."""
    members.delete_member(world, member, source=source)
    sessions.end_member_sessions(world, member["member_id"])


def delete_organization_and_members(
    world: World, organization: Document, *, source: webhooks.Source
) -> None:
    """Delete an organization, its members and their sessions."""
    for member_id in members.delete_members_silently(world, organization):
        sessions.end_member_sessions(world, member_id)
    organizations.delete_organization(world, organization, source=source)
