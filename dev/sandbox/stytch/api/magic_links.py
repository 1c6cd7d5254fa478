"""Handle `/magic_links` calls that send and open invitations and sign-in links."""

from sandbox.store import Document
from sandbox.stytch import (
    credentials,
    factors,
    mails,
    members,
    membership_rules,
    rate_limits,
)
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.members import build_member_answer
from sandbox.stytch.api.members import invite_member as invited_member
from sandbox.stytch.api.sign_in import sign_in_with_factor
from sandbox.stytch.errors import StytchError

HOUR = 60
WEEK = 7 * 24 * 60
# Stytch's own test project answers these two the same way for every caller.
FIXED = {
    "3pzjQpgksDlGKWEwUq2Up--hCHC_0oamfLHyfspKDFU=": "unable_to_auth_magic_link",
    "CprTtwhnRNiMBiUS2jSLcWYrfuO2POeBNdo5HhW6qTM=": "magic_link_not_found",
}


def send_invitation(call: Call) -> Document:
    """Mail an invitation, also to a member who was already invited."""
    minutes = call.get_minutes("invite_expiration_minutes", usual=WEEK, least=5, most=WEEK)
    inviter_id = call.find_text("invited_by_member_id")
    if inviter_id:
        members.get_member(call.world, call.get_organization(), inviter_id)
    rate_limits.count_mail(call.world, call.get_email())
    answer = invited_member(call)
    mails.send_invitation_mail(
        call.world,
        organization=answer["organization"],
        member=answer["member"],
        inviter_id=inviter_id,
        redirect_url=call.find_text("invite_redirect_url"),
        minutes=minutes,
    )
    return answer


def find_or_create_member(call: Call) -> tuple[Document, bool]:
    """Find the member with an address, or create a pending one."""
    organization, email = call.get_organization(), call.get_email()
    member = members.find_by_email(call.world, organization, email)
    if member is not None:
        return member, False
    membership_rules.check_joinable(organization, email)
    created = members.create_member(
        call.world, organization, email_address=email, status="pending", source="DIRECT"
    )
    return created, True


def send_login_link(call: Call) -> Document:
    """Mail a link that signs in an active member or signs up another one."""
    organization = call.get_organization()
    word = "login"
    existing = members.find_by_email(call.world, organization, call.get_email())
    if existing is None or existing["status"] != "active":
        word = "signup"
    minutes = call.get_minutes(f"{word}_expiration_minutes", usual=HOUR, least=5, most=WEEK)
    rate_limits.count_mail(call.world, call.get_email())
    member, created = find_or_create_member(call)
    name = organization["organization_name"]
    mails.send_member_mail(
        call.world,
        kind="login",
        organization=organization,
        member=member,
        subject=f"Sign in to {name}" if word == "login" else f"Confirm your address for {name}",
        text=f"Open this link to sign in to {name}.",
        redirect_url=call.find_text(f"{word}_redirect_url"),
        minutes=minutes,
        challenge=call.find_text("pkce_code_challenge"),
    )
    return {**build_member_answer(call, member), "member_created": created}


def send_discovery_link(call: Call) -> Document:
    """Mail a link that proves an address, known or not."""
    rate_limits.count_mail(call.world, call.get_email())
    mails.send_discovery_mail(
        call.world,
        email=call.get_email(),
        redirect_url=call.find_text("discovery_redirect_url"),
        minutes=call.get_minutes("discovery_expiration_minutes", usual=HOUR, least=5, most=WEEK),
        challenge=call.find_text("pkce_code_challenge"),
    )
    return {}


def authenticate_magic_link(call: Call) -> Document:
    """Open a sign-in link or an invitation, and start the member's session."""
    token = call.get_text("magic_links_token")
    if token in FIXED:
        raise StytchError(FIXED[token])
    call.check_session_arguments()
    running = call.find_running_session()
    link = credentials.use_link_token(
        call.world, token, purpose="member", verifier=call.find_text("pkce_code_verifier")
    )
    member = members.find_member(call.world, link["member_id"])
    gone = member is None or member["status"] == "deleted"
    if member is None or gone or member["email_address"] != link["email"]:
        raise StytchError("unable_to_auth_magic_link")
    answer = sign_in_member(call, member, running=running, type="magic_link")
    return answer | {"reset_sessions": False}


def sign_in_member(
    call: Call,
    member: Document,
    *,
    running: Document | None,
    type: str,  # noqa: A002
) -> Document:
    """Start a session of a member, or add the factor to a running session."""
    email_id = member["_email_id"]
    factor = factors.build_email_factor(
        call.world, type=type, email_id=email_id, email=member["email_address"]
    )
    answer = sign_in_with_factor(call, member, factor, running=running)
    return answer | {"method_id": email_id, "organization_id": member["organization_id"]}


def authenticate_discovery_link(call: Call) -> Document:
    """Open a discovery link and start an intermediate session."""
    token = call.get_text("discovery_magic_links_token")
    if token in FIXED:
        raise StytchError(FIXED[token])
    link = credentials.use_link_token(
        call.world, token, purpose="discovery", verifier=call.find_text("pkce_code_verifier")
    )
    return discovery.prove_address(call, email=link["email"], type="magic_link")
