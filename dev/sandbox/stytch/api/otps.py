"""`/otps/email`: six-digit codes instead of links."""

from sandbox.store import Document
from sandbox.stytch import credentials, letters, members
from sandbox.stytch.api import discovery
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.magic_links import known_or_pending, signed_in
from sandbox.stytch.api.members import shown
from sandbox.stytch.errors import StytchError

DISCOVERY = "discovery"
EMAIL_OTP = "email_otp"


def minutes(call: Call, name: str) -> int:
    """Return how long a code lives."""
    return call.minutes(name, usual=10, least=2, most=15)


def login_or_signup(call: Call) -> Document:
    """Send a code that signs in, or signs up whoever is not active yet."""
    login, signup = (minutes(call, f"{word}_expiration_minutes") for word in ("login", "signup"))
    member, created = known_or_pending(call)
    organization = call.organization()
    letters.code(
        call.world,
        email=member["email_address"],
        place=organization["organization_id"],
        minutes=login if member["status"] == "active" else signup,
        organization=organization["organization_name"],
    )
    return {**shown(call, member), "member_created": created}


def authenticate(call: Call) -> Document:
    """Enter a code: the member is active and has a session."""
    organization, email = call.organization(), call.email()
    call.check_session_arguments()
    running = call.running_session()
    member = members.find_by_email(call.world, organization, email)
    if member is None:
        raise StytchError("member_not_found")
    place = organization["organization_id"]
    credentials.use_code(call.world, call.text("code"), place=place, email=email)
    return signed_in(call, member, running=running, type=EMAIL_OTP)


def discovery_send(call: Call) -> Document:
    """Send a code that proves an address; the same for known and unknown ones."""
    lifetime = minutes(call, "discovery_expiration_minutes")
    letters.code(call.world, email=call.email(), place=DISCOVERY, minutes=lifetime)
    return {}


def discovery_authenticate(call: Call) -> Document:
    """Enter a discovery code: the address is proven, the organization still to choose."""
    email = call.email()
    credentials.use_code(call.world, call.text("code"), place=DISCOVERY, email=email)
    return discovery.proven(call, email=email, type=EMAIL_OTP)
