"""`/sessions`: prove, list, exchange and revoke, and the public keys."""

from sandbox.store import Document
from sandbox.stytch import members, organizations, roles, sessions, tokens
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call
from sandbox.stytch.errors import StytchError


def authenticate(call: Call) -> Document:
    """Prove a session by token or JWT, even an expired one; answers with a fresh JWT."""
    session = call.session()
    check = call.mapping("authorization_check")
    verdict = judged(call, session, check) if check else None
    session = sessions.touch(
        call.world,
        session,
        minutes=call.number("session_duration_minutes"),
        custom_claims=call.mapping("session_custom_claims"),
    )
    answer = sessions.authenticated(call.world, session)
    kept = ("member_session", "session_token", "session_jwt", "member", "organization")
    return {name: answer[name] for name in kept} | {"verdict": verdict}


def judged(call: Call, session: Document, check: Document) -> Document:
    """Return Stytch's verdict, or refuse."""
    asked = organizations.get(call.world, check["organization_id"])
    if asked["organization_id"] != session["organization_id"]:
        raise StytchError("session_authorization_tenancy_error")
    member = members.by_id(call.world, session["member_id"]) or {}
    granting = roles.granting(
        call.world,
        organization_id=session["organization_id"],
        role_ids=members.role_ids(call.world, member),
        resource_id=check["resource_id"],
        action=check["action"],
    )
    if not granting:
        raise StytchError("session_authorization_error")
    return {"authorized": True, "granting_roles": granting}


def get(call: Call) -> Document:
    """List a member's live sessions."""
    member = call.member(call.organization())
    live = sessions.live_of(call.world, member["member_id"])
    return {"member_sessions": [sessions.rendered(call.world, session) for session in live]}


def exchange(call: Call) -> Document:
    """Enter another organization of the same person; accepts an invitation, joins by no domain."""
    session = call.session()
    call.check_session_arguments()
    mine = members.by_id(call.world, session["member_id"]) or {}
    member = members.find_by_email(call.world, call.organization(), mine["email_address"])
    if member is None:
        raise StytchError("member_does_not_exist_in_organization")
    member = members.activate(call.world, member)
    return discovery.entered(call, member, factors=session["authentication_factors"])


def revoke(call: Call) -> Document:
    """End one session, or all of a member."""
    names = ("member_session_id", "session_token", "session_jwt", "member_id")
    given = call.chosen(*names)
    if len(given) != 1:
        raise StytchError("too_many_session_arguments" if given else "no_session_arguments")
    if member_id := given.get("member_id"):
        if members.by_id(call.world, member_id) is None:
            raise StytchError("member_not_found")
        sessions.end_all(call.world, member_id)
    elif session_id := given.get("member_session_id"):
        sessions.end(call.world, sessions.by_id(call.world, session_id))
    else:
        sessions.end(call.world, call.session())
    return {}


def jwks(call: Call) -> Document:
    """Return the public keys; nobody needs a secret for this."""
    return {"keys": tokens.jwks(call.world)}
