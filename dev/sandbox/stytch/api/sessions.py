"""Handle `/sessions` calls that check, list, exchange and revoke sessions."""

from sandbox.store import Document
from sandbox.stytch import members, organizations, roles, sessions, tokens
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call
from sandbox.stytch.errors import StytchError


def authenticate_session(call: Call) -> Document:
    """Check a session by token or JWT, even an expired JWT, and return a fresh JWT."""
    session = call.get_session()
    check = call.find_mapping("authorization_check")
    verdict = check_authorization(call, session, check) if check else None
    session = sessions.touch_session(
        call.world,
        session,
        minutes=call.find_number("session_duration_minutes"),
        custom_claims=call.find_mapping("session_custom_claims"),
    )
    answer = sessions.build_authenticated_answer(call.world, session)
    kept = ("member_session", "session_token", "session_jwt", "member", "organization")
    return {name: answer[name] for name in kept} | {"verdict": verdict}


def check_authorization(call: Call, session: Document, check: Document) -> Document:
    """Build the verdict of an authorization check, or refuse it."""
    organization = organizations.get_organization(call.world, check["organization_id"])
    if organization["organization_id"] != session["organization_id"]:
        raise StytchError("session_authorization_tenancy_error")
    member = members.find_member(call.world, session["member_id"]) or {}
    granting = roles.list_granting_roles(
        call.world,
        organization_id=session["organization_id"],
        role_ids=members.list_role_ids(call.world, member),
        resource_id=check["resource_id"],
        action=check["action"],
    )
    if not granting:
        raise StytchError("session_authorization_error")
    return {"authorized": True, "granting_roles": granting}


def list_sessions_call(call: Call) -> Document:
    """List a member's live sessions."""
    member = call.get_member(call.get_organization())
    live = sessions.list_live_sessions(call.world, member["member_id"])
    return {"member_sessions": [sessions.render_session(call.world, session) for session in live]}


def exchange_session(call: Call) -> Document:
    """Enter another organization of the same address, also by an open invitation."""
    session = call.get_session()
    call.check_session_arguments()
    signed_in = members.find_member(call.world, session["member_id"]) or {}
    member = members.find_by_email(call.world, call.get_organization(), signed_in["email_address"])
    if member is None:
        raise StytchError("member_does_not_exist_in_organization")
    return discovery.enter_organization(call, member, held=session["authentication_factors"])


def revoke_sessions(call: Call) -> Document:
    """End one session, or all sessions of a member."""
    names = ("member_session_id", "session_token", "session_jwt", "member_id")
    given = call.list_given(*names)
    if len(given) != 1:
        raise StytchError("too_many_session_arguments" if given else "no_session_arguments")
    if member_id := given.get("member_id"):
        if members.find_member(call.world, member_id) is None:
            raise StytchError("member_not_found")
        sessions.end_member_sessions(call.world, member_id)
    elif session_id := given.get("member_session_id"):
        sessions.end_session(call.world, sessions.find_session(call.world, session_id))
    else:
        sessions.end_session(call.world, call.get_session())
    return {}


def get_jwks_call(call: Call) -> Document:
    """Return the public keys, for which no secret is required."""
    return {"keys": tokens.list_public_keys(call.world)}
