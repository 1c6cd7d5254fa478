"""Handle `/totp`, `/otps/sms` and `/recovery_codes` calls of the second factor.

https://stytch.com/docs/b2b/api/create-totp, https://stytch.com/docs/b2b/api/authenticate-totp,
https://stytch.com/docs/b2b/api/otp-sms-send, https://stytch.com/docs/b2b/api/authenticate-otp-sms and
https://stytch.com/docs/b2b/api/recovery-codes-recover
"""

import re

from sandbox.store import Document
from sandbox.stytch import (
    credentials,
    factors,
    members,
    membership_rules,
    oauth_registrations,
    second_factors,
    sessions,
    totp_codes,
)
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.members import build_member_answer
from sandbox.stytch.api.sign_in import add_factor
from sandbox.stytch.errors import StytchError

PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
TOKENS = ("intermediate_session_token", "session_token", "session_jwt")
HOUR, DAY = 60, 24 * 60


def create_totp(call: Call) -> Document:
    """Set up an authenticator app that counts once its first code was checked."""
    organization = call.get_organization()
    member = call.get_member(organization)
    check_enrolment(call, organization, member, method="totp")
    minutes = call.get_minutes("expiration_minutes", usual=HOUR, least=5, most=DAY)
    created = second_factors.create_totp(call.world, member, minutes=minutes)
    qr_code = totp_codes.draw_qr_code(
        created["secret"],
        issuer=organization["organization_name"],
        account=member["email_address"],
    )
    return build_member_answer(call, member) | {
        "totp_registration_id": created["id"],
        "secret": created["secret"],
        "qr_code": qr_code,
        "recovery_codes": created["recovery_codes"],
    }


def authenticate_totp(call: Call) -> Document:
    """Check a code of the authenticator app and finish the sign-in."""
    return authenticate(call, method="totp")


def send_sms(call: Call) -> Document:
    """Send a code to the member's phone, and store the number of a member without one."""
    organization = call.get_organization()
    member = call.get_member(organization)
    number = call.find_text("mfa_phone_number")
    check_enrolment(call, organization, member, method="sms_otp")
    second_factors.check_lock(call.world, member)
    known = member["mfa_phone_number"]
    if not known and not number:
        raise StytchError("phone_number_not_found")
    if number and not PHONE_NUMBER.fullmatch(number):
        raise StytchError("invalid_phone_number")
    if known and number and number != known:
        raise StytchError("bad_request", "The Member has another phone number.")
    if not known:
        member = members.replace_member(
            call.world, member, member | {"mfa_phone_number": number}, source="DIRECT"
        )
    second_factors.send_sms_code(call.world, organization, member)
    return build_member_answer(call, member)


def authenticate_sms(call: Call) -> Document:
    """Check a code sent by SMS and finish the sign-in."""
    return authenticate(call, method="sms_otp")


def get_recovery_codes(call: Call) -> Document:
    """Return the recovery codes of a member that are not spent."""
    member = call.get_member(call.get_organization())
    held = second_factors.get_held(call.world, member["member_id"])
    return build_member_answer(call, member) | {"recovery_codes": held["recovery_codes"]}


def recover(call: Call) -> Document:
    """Spend a recovery code and finish the sign-in."""
    organization = call.get_organization()
    member = call.get_member(organization)
    proof = get_proof(call, organization, member)
    with second_factors.count_attempt(call.world, member):
        factor, left = second_factors.use_recovery_code(
            call.world, member, call.get_text("recovery_code")
        )
    return finish(call, member, proof, factor) | {"recovery_codes_remaining": left}


def authenticate(call: Call, *, method: str) -> Document:
    """Check a code of one method and finish the sign-in."""
    organization = call.get_organization()
    member = call.get_member(organization)
    second_factors.check_method_allowed(organization, method)
    proof = get_proof(call, organization, member)
    use = second_factors.use_totp_code if method == "totp" else second_factors.use_sms_code
    with second_factors.count_attempt(call.world, member):
        factor, after = use(call.world, member, call.get_text("code"))
    member = second_factors.record_enrolment(
        call.world, organization, member, after, method=method, given=call.data
    )
    return finish(call, member, proof, factor)


def check_enrolment(call: Call, organization: Document, member: Document, *, method: str) -> None:
    """Refuse a further second factor to a caller who has not shown the existing one.

    Sending a code to a known phone needs no proof of another factor.
    """
    if member["status"] != "active":
        raise StytchError("action_available_only_for_active_members")
    second_factors.check_method_allowed(organization, method)
    proof = get_proof(call, organization, member) if call.list_given(*TOKENS) else None
    other = member["totp_registration_id"]
    if method == "totp":
        other = other or member["mfa_phone_number_verified"]
    elif member["mfa_phone_number"]:
        return
    if other and not (proof and has_second_factor(proof, member)):
        raise StytchError("secondary_factor_not_found")


def has_second_factor(proof: Document, member: Document) -> bool:
    """Return whether a session or an intermediate session holds a second factor of the member."""
    held = proof.get("factors") or proof.get("authentication_factors") or []
    own = [factor for factor in held if factor.get("_member_id") == member["member_id"]]
    return any(factor["type"] in factors.SECOND_FACTORS for factor in own)


def get_proof(call: Call, organization: Document, member: Document) -> Document:
    """Return the intermediate session or the session of this member that a call names."""
    if len(call.list_given(*TOKENS)) > 1:
        raise StytchError("too_many_session_arguments")
    if running := call.find_running_session():
        if running["member_id"] != member["member_id"]:
            raise StytchError("session_not_found")
        return running
    proof = call.find_intermediate_session()
    if proof is None:
        raise StytchError("no_session_arguments")
    missing = membership_rules.list_unmet_requirements(organization, member, proof["factors"])
    if "primary_required" in missing:
        raise StytchError("action_available_only_once_primary_authentication_is_met")
    return proof


def finish(call: Call, member: Document, proof: Document, factor: Document) -> Document:
    """Add the second factor to a running session, or turn an intermediate one into a session."""
    if "member_session_id" in proof:
        session = add_factor(call, proof, factor)
    else:
        credentials.end_intermediate_session(call.world, proof)
        session = sessions.start_session(
            call.world,
            oauth_registrations.store_oauth_registrations(call.world, member, proof["factors"]),
            factors=sessions.select_factors(call.world, member, [*proof["factors"], factor]),
            minutes=call.find_number("session_duration_minutes"),
            custom_claims=call.find_mapping("session_custom_claims"),
        )
    answer = sessions.build_authenticated_answer(call.world, session)
    kept = ("member_id", "member", "organization", "member_session", "session_token", "session_jwt")
    return {name: answer[name] for name in (*kept, "member_device")}
