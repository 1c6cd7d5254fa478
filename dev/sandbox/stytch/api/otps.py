"""Handle `/otps/email` calls that send and check six-digit codes."""

from sandbox.store import Document
from sandbox.stytch import credentials, mails, members, rate_limits
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.magic_links import find_or_create_member, sign_in_member
from sandbox.stytch.api.members import build_member_answer
from sandbox.stytch.errors import StytchError

DISCOVERY = "discovery"
EMAIL_OTP = "email_otp"


def get_code_minutes(call: Call, name: str) -> int:
    """Return the lifetime of a code in minutes."""
    return call.get_minutes(name, usual=10, least=2, most=15)


def send_login_code(call: Call) -> Document:
    """Mail a code that signs in an active member or signs up another one."""
    login, signup = (
        get_code_minutes(call, f"{word}_expiration_minutes") for word in ("login", "signup")
    )
    rate_limits.count_mail(call.world, call.get_email())
    member, created = find_or_create_member(call)
    organization = call.get_organization()
    mails.send_code_mail(
        call.world,
        email=member["email_address"],
        place=organization["organization_id"],
        minutes=login if member["status"] == "active" else signup,
        organization=organization["organization_name"],
    )
    return {**build_member_answer(call, member), "member_created": created}


def authenticate_code(call: Call) -> Document:
    """Check a code and start the member's session."""
    organization, email = call.get_organization(), call.get_email()
    call.check_session_arguments()
    running = call.find_running_session()
    member = members.find_by_email(call.world, organization, email)
    if member is None:
        raise StytchError("member_not_found")
    place = organization["organization_id"]
    credentials.use_mailed_code(call.world, call.get_text("code"), place=place, email=email)
    return sign_in_member(call, member, running=running, type=EMAIL_OTP)


def send_discovery_code(call: Call) -> Document:
    """Mail a code that proves an address, known or not."""
    lifetime = get_code_minutes(call, "discovery_expiration_minutes")
    rate_limits.count_mail(call.world, call.get_email())
    mails.send_code_mail(call.world, email=call.get_email(), place=DISCOVERY, minutes=lifetime)
    return {}


def authenticate_discovery_code(call: Call) -> Document:
    """Check a discovery code and start an intermediate session."""
    email = call.get_email()
    credentials.use_mailed_code(call.world, call.get_text("code"), place=DISCOVERY, email=email)
    return discovery.prove_address(call, email=email, type=EMAIL_OTP)
