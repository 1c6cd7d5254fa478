"""Store the accounts at OAuth providers that members have signed in with."""

from sandbox.store import Document
from sandbox.stytch import factors, members
from sandbox.stytch.values import build_stytch_id
from sandbox.world import World


def store_oauth_registrations(world: World, member: Document, held: list[Document]) -> Document:
    """Add the provider accounts of a finished sign-in to its member."""
    known = {
        (one["provider_type"], one["provider_subject"]) for one in member["oauth_registrations"]
    }
    accounts = [factor for factor in held if factor["type"] == "oauth"]
    added = [
        {
            "provider_type": factors.OAUTH_PROVIDERS[factor["_provider"]],
            "provider_subject": factor["_subject"],
            "member_oauth_registration_id": build_stytch_id("member-oauth-registration"),
            "profile_picture_url": None,
            "locale": None,
        }
        for factor in accounts
        if (factors.OAUTH_PROVIDERS[factor["_provider"]], factor["_subject"]) not in known
    ]
    if not added:
        return member
    after = member | {"oauth_registrations": [*member["oauth_registrations"], *added]}
    return members.replace_member(world, member, after, source="DIRECT")
