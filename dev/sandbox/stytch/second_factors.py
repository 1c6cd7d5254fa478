"""Set up, send and check the second factors of members, and lock members after wrong codes.

Enrolment and expiry follow https://stytch.com/docs/b2b/api/create-totp,
https://stytch.com/docs/b2b/api/otp-sms-send and https://stytch.com/docs/b2b/api/recovery-codes-recover.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sandbox import mail
from sandbox.clock import get_real_now
from sandbox.store import Document
from sandbox.stytch import credentials, factors, members, organizations, totp_codes
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, format_stytch_time, parse_instant
from sandbox.world import World

KIND = "stytch.second_factor"  # by member
SMS_MINUTES = 2
RECOVERY_CODES = 10
# The defaults of https://stytch.com/docs/resources/platform/user-locks.
LOCK_THRESHOLD = 10
LOCK_DURATION = timedelta(hours=1)
WRONG_CODE_ERRORS = frozenset(
    {
        "otp_code_not_found",
        "unable_to_auth_otp_code",
        "unable_to_authenticate_totp",
        "totp_code_already_authenticated",
        "invalid_recovery_code",
    }
)


def get_held(world: World, member_id: str) -> Document:
    """Return what is stored about the second factors of a member."""
    empty: Document = {"totp": None, "recovery_codes": [], "failures": 0}
    return world.store.find_document(KIND, member_id) or empty


def store_held(world: World, member_id: str, held: Document) -> None:
    """Store the second factors of a member."""
    world.store.put_document(KIND, member_id, held)


# Locks


@contextmanager
def count_attempt(world: World, member: Document) -> Iterator[None]:
    """Refuse a locked member, count a wrong code, and reset the count after a right one."""
    check_lock(world, member)
    held = get_held(world, member["member_id"])
    try:
        yield
    except StytchError as error:
        if error.error_type in WRONG_CODE_ERRORS:
            count_failure(world, member, held)
        raise
    held = get_held(world, member["member_id"])
    store_held(world, member["member_id"], held | {"failures": 0})


def check_lock(world: World, member: Document) -> None:
    """Refuse a member whose lock has not expired."""
    if member["is_locked"] and parse_instant(member["lock_expires_at"]) > world.clock.now():
        raise StytchError("user_lock_limit_reached")


def count_failure(world: World, member: Document, held: Document) -> None:
    """Count one failed attempt, and lock the member at the threshold."""
    failures = held["failures"] + 1
    if failures < LOCK_THRESHOLD:
        store_held(world, member["member_id"], held | {"failures": failures})
        return
    store_held(world, member["member_id"], held | {"failures": 0})
    now = world.clock.now()
    lock = {
        "is_locked": True,
        "lock_created_at": format_stytch_time(now),
        "lock_expires_at": format_stytch_time(now + LOCK_DURATION),
    }
    members.replace_member(world, member, member | lock, source="DIRECT")


# Enrolment


def check_method_allowed(organization: Document, method: str) -> None:
    """Refuse a second factor that the organization does not allow."""
    restricted = organization["mfa_methods"] == "RESTRICTED"
    if restricted and method not in organization["allowed_mfa_methods"]:
        raise StytchError("operation_restricted_by_organization_mfa_methods")


def create_totp(world: World, member: Document, *, minutes: int) -> Document:
    """Create an unverified TOTP registration that replaces an earlier unverified one."""
    if member["totp_registration_id"]:
        raise StytchError("active_totp_exists")
    registration = {
        "id": build_stytch_id("member-totp"),
        "secret": totp_codes.create_secret(),
        "expires_at": credentials.get_expiry(world, minutes),
        "used_steps": [],
    }
    codes = [create_recovery_code() for _ in range(RECOVERY_CODES)]
    held = get_held(world, member["member_id"])
    store_held(world, member["member_id"], held | {"totp": registration, "recovery_codes": codes})
    return registration | {"recovery_codes": codes}


def create_recovery_code() -> str:
    """Create a recovery code."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))


def send_code_if_enrolled(
    world: World, organization: Document, member: Document, missing: Document
) -> Document:
    """Send a code by SMS to an enrolled member who lacks only the second factor."""
    wanted = missing.get("mfa_required") and member["mfa_enrolled"]
    if not wanted or not member["mfa_phone_number"] or member["default_mfa_method"] == "totp":
        return missing
    send_sms_code(world, organization, member)
    initiated = missing["mfa_required"] | {"secondary_auth_initiated": "sms_otp"}
    return missing | {"mfa_required": initiated}


def send_sms_code(world: World, organization: Document, member: Document) -> None:
    """Send a code to the phone of a member, which invalidates the previous one."""
    place = f"sms/{member['member_id']}"
    phone = member["mfa_phone_number"]
    sent = credentials.create_code(world, place=place, email=phone, minutes=SMS_MINUTES)
    mail.deliver_mail(
        world,
        to=phone,
        kind="sms",
        subject=f"{sent['code']} is your code",
        text=f"Enter this code to sign in to {organization['organization_name']}.",
        code=sent["code"],
        expires_at=sent["expires_at"],
        organization=organization["organization_name"],
    )


# Checking


def use_totp_code(world: World, member: Document, code: str) -> tuple[Document, Document]:
    """Check a code of the authenticator app, and return its factor and the enrolled member."""
    held = get_held(world, member["member_id"])
    registration = held["totp"]
    verified = registration is not None and member["totp_registration_id"] == registration["id"]
    if registration is None or not (verified or not credentials.has_expired(world, registration)):
        raise StytchError("totp_not_found")
    # Authenticator apps count real time, also after the sandbox's clock was moved.
    step = totp_codes.find_step(registration["secret"], code, get_real_now())
    if step is None:
        raise StytchError("unable_to_authenticate_totp")
    if step in registration["used_steps"]:
        raise StytchError("totp_code_already_authenticated")
    used = [*registration["used_steps"], step][-3:]
    store_held(world, member["member_id"], held | {"totp": registration | {"used_steps": used}})
    factor = factors.build_factor(
        world,
        type="totp",
        delivery_method="authenticator_app",
        authenticator_app_factor={"totp_id": registration["id"]},
        _member_id=member["member_id"],
    )
    return factor, member | {"totp_registration_id": registration["id"]}


def use_sms_code(world: World, member: Document, code: str) -> tuple[Document, Document]:
    """Check a code sent by SMS, and return its factor and the member with a verified phone."""
    phone = member["mfa_phone_number"]
    place = f"sms/{member['member_id']}"
    credentials.use_mailed_code(world, code, place=place, email=phone)
    factor = factors.build_factor(
        world,
        type="otp",
        delivery_method="sms",
        phone_number_factor={"phone_id": f"phone-number-{place[4:]}", "phone_number": phone},
        _member_id=member["member_id"],
    )
    return factor, member | {"mfa_phone_number_verified": True}


def use_recovery_code(world: World, member: Document, code: str) -> tuple[Document, int]:
    """Spend a recovery code, and return its factor and the number of codes that remain."""
    held = get_held(world, member["member_id"])
    if not member["totp_registration_id"]:
        raise StytchError("recovery_codes_not_found")
    if code not in held["recovery_codes"]:
        raise StytchError("invalid_recovery_code")
    left = [one for one in held["recovery_codes"] if one != code]
    store_held(world, member["member_id"], held | {"recovery_codes": left})
    factor = factors.build_factor(
        world,
        type="recovery_codes",
        delivery_method="recovery_code",
        recovery_code_factor={"totp_recovery_code_id": build_stytch_id("totp-recovery-code")},
        _member_id=member["member_id"],
    )
    return factor, len(left)


def list_app_codes(world: World) -> list[Document]:
    """List the current code of each member's authenticator app, the newest app first."""
    found = []
    for member_id in world.store.list_ids(KIND):
        member, held = members.find_member(world, member_id), get_held(world, member_id)
        if member is not None and held["totp"]:
            organization = organizations.get_organization(world, member["organization_id"])
            found.append(
                {
                    "email": member["email_address"],
                    "organization": organization["organization_name"],
                    "code": totp_codes.compute_current_code(held["totp"]["secret"], get_real_now()),
                }
            )
    return found[::-1]


def record_enrolment(
    world: World,
    organization: Document,
    before: Document,
    after: Document,
    *,
    method: str,
    given: Document,
) -> Document:
    """Store what a right code changes on its member.

    The first one makes its method the default. The enrolment follows the organization's policy, or
    `set_mfa_enrollment` where the policy is optional.
    """
    chosen = {"enroll": True, "unenroll": False}.get(given.get("set_mfa_enrollment") or "")
    if organization["mfa_policy"] == "REQUIRED_FOR_ALL":
        chosen = True
    if chosen is not None:
        after = after | {"mfa_enrolled": chosen}
    if given.get("set_default_mfa") or not after["default_mfa_method"]:
        after = after | {"default_mfa_method": method}
    if after == before:
        return before
    return members.replace_member(world, before, after, source="DIRECT")
