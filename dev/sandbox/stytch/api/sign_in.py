"""Start a member session from a primary factor, or add the factor to a running session."""

from sandbox.store import Document
from sandbox.stytch import members, sessions
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call


def sign_in_with_factor(
    call: Call, member: Document, factor: Document, *, running: Document | None
) -> Document:
    """Start a session of a member, or add the factor to a running session of the same member."""
    if running and running["member_id"] == member["member_id"]:
        members.activate_member(call.world, member)
        session = add_factor(call, running, factor)
        return sessions.build_authenticated_answer(call.world, session)
    proof = call.find_intermediate_session()
    held = [*(proof["factors"] if proof else []), factor]
    return discovery.enter_organization(call, member, held=held, proof=proof)


def add_factor(call: Call, session: Document, factor: Document) -> Document:
    """Add a factor to a running session, which extends it when a length is given."""
    return sessions.touch_session(
        call.world,
        session,
        minutes=call.find_number("session_duration_minutes"),
        custom_claims=call.find_mapping("session_custom_claims"),
        factors=[factor],
    )
