"""Store members, change their status and find them by address."""

import re

from sandbox.store import Document
from sandbox.stytch import organizations, roles, webhooks
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import (
    build_stytch_id,
    format_stytch_time,
    merge_stytch_metadata,
    normalize_email,
)
from sandbox.world import World

KIND = "stytch.member"
MEMBERS_BY_ADDRESS = "stytch.people"  # one kind per address: its members, except deleted ones
MEMBERS_BY_ORGANIZATION = (
    "stytch.roster"  # one kind per organization: its members, deleted ones included
)
RETIRED_ADDRESSES = "stytch.retired"
EXTERNAL_IDS = "stytch.member_external_id"

EXTERNAL_ALPHABET = re.compile(r"[A-Za-z0-9._|\-]{1,128}")
COPIED_FIELDS = ("name", "is_breakglass", "mfa_phone_number", "mfa_enrolled", "default_mfa_method")
METADATA = ("trusted_metadata", "untrusted_metadata")
EMPTY_MEMBER: Document = {
    "external_id": None,
    "email_address_verified": False,
    "name": "",
    "is_breakglass": False,
    "is_locked": False,
    "lock_created_at": None,
    "lock_expires_at": None,
    "sso_registrations": [],
    "oauth_registrations": [],
    "scim_registration": None,
    "member_password_id": "",
    "totp_registration_id": "",
    "mfa_enrolled": False,
    "mfa_phone_number": "",
    "mfa_phone_number_verified": False,
    "default_mfa_method": "",
    "retired_email_addresses": [],
    "trusted_metadata": {},
    "untrusted_metadata": {},
    "_explicit": [],
    "_implicit": [],
}


def render_member(world: World, member: Document) -> Document:
    """Render a member in Stytch's format, without the sandbox's private fields."""
    return render_member_of(
        organizations.get_organization(world, member["organization_id"]), member
    )


def render_member_of(organization: Document, member: Document) -> Document:
    """Render a member whose organization is already loaded."""
    held = roles.list_held_roles(organization, member)
    shown = {name: value for name, value in member.items() if not name.startswith("_")}
    shown["roles"] = held
    shown["is_admin"] = any(entry["role_id"] == roles.ADMIN for entry in held)
    return shown


def list_role_ids(world: World, member: Document) -> list[str]:
    """List the ids of the roles that a member holds."""
    organization = organizations.get_organization(world, member["organization_id"])
    return [entry["role_id"] for entry in roles.list_held_roles(organization, member)]


# Finding


def find_member(world: World, member_id: str) -> Document | None:
    """Find a member in any organization, even a deleted one."""
    return world.store.find_document(KIND, member_id)


def get_member(world: World, organization: Document, reference: str) -> Document:
    """Return a member by id or external id, or refuse one that is deleted or elsewhere."""
    organization_id = organization["organization_id"]
    if found := world.store.find_document(EXTERNAL_IDS, f"{organization_id}/{reference}"):
        reference = found["member_id"]
    member = find_member(world, reference)
    if member is None or member["status"] == "deleted":
        raise StytchError("member_not_found")
    if member["organization_id"] != organization_id:
        raise StytchError("member_does_not_exist_in_organization")
    return member


def find_by_email(world: World, organization: Document, email: str) -> Document | None:
    """Find the member of an organization that has an address and is not deleted."""
    for member in list_members_by_email(world, email):
        if member["organization_id"] == organization["organization_id"]:
            return member
    return None


def list_members_by_email(world: World, email: str) -> list[Document]:
    """List the members of all organizations with an address, except deleted ones."""
    ids = world.store.list_ids(f"{MEMBERS_BY_ADDRESS}:{email}")
    return [member for id_ in ids if (member := find_member(world, id_))]


def list_members(world: World, organization: Document) -> list[Document]:
    """List every member of an organization, even deleted ones."""
    ids = world.store.list_ids(f"{MEMBERS_BY_ORGANIZATION}:{organization['organization_id']}")
    return [member for id_ in ids if (member := find_member(world, id_))]


# Changing


def create_member(
    world: World,
    organization: Document,
    *,
    email_address: str,
    status: str,
    source: webhooks.Source,
    **fields: object,
) -> Document:
    """Create a member, or refuse an address that is taken in the organization."""
    email = normalize_email(email_address)
    now = format_stytch_time(world.clock.now())
    member = {
        "organization_id": organization["organization_id"],
        "member_id": build_stytch_id("member"),
        "email_address": email,
        "status": status,
        **EMPTY_MEMBER,
        "_email_id": build_stytch_id("member-email"),
        "created_at": now,
        "updated_at": now,
    }
    check_address_free(world, member, email)
    apply_member_fields(world, member, fields)
    save_member(world, member, before=None)
    announce_member(world, member, action="CREATE", source=source)
    return member


def update_member(
    world: World, member: Document, *, source: webhooks.Source, **fields: object
) -> Document:
    """Change the given fields of a member."""
    after = dict(member)
    unlink = fields.pop("unlink_email", False)
    if (email := fields.pop("email_address", None)) is not None:
        change_email(world, after, normalize_email(str(email)), keep_old=not unlink)
    apply_member_fields(world, after, fields)
    return replace_member(world, member, after, source=source)


def activate_member(
    world: World, member: Document, *, source: webhooks.Source = "DIRECT"
) -> Document:
    """Mark a member as active with a verified address."""
    if member["status"] == "active" and member["email_address_verified"]:
        return member
    after = member | {"status": "active", "email_address_verified": True}
    return replace_member(world, member, after, source=source)


def delete_member(world: World, member: Document, *, source: webhooks.Source) -> None:
    """Mark a member as deleted and free its address."""
    after = member | {"status": "deleted", "updated_at": format_stytch_time(world.clock.now())}
    save_member(world, after, before=member)
    announce_member(world, after, action="DELETE", source=source)


def reactivate_member(world: World, organization: Document, member_id: str) -> Document:
    """Make a deleted member active again, found by Stytch's own id only."""
    member = find_member(world, member_id)
    if member is None or member["organization_id"] != organization["organization_id"]:
        raise StytchError("member_not_found")
    if member["status"] != "deleted":
        raise StytchError("no_deleted_member_found_for_reactivation")
    if not member["email_address_verified"]:
        raise StytchError("email_unverified_for_reactivation")
    if find_by_email(world, organization, member["email_address"]):
        raise StytchError("reactivation_email_belongs_to_another_member")
    return replace_member(world, member, member | {"status": "active"}, source="DIRECT")


def delete_members_silently(world: World, organization: Document) -> list[str]:
    """Remove every member of a deleted organization and return their ids."""
    members = list_members(world, organization)
    for member in members:
        index_member(world, member, None)
        world.store.delete_document(KIND, member["member_id"])
        world.store.delete_document(get_organization_index(member), member["member_id"])
    return [member["member_id"] for member in members]


def replace_member(
    world: World, before: Document, after: Document, *, source: webhooks.Source
) -> Document:
    """Save a changed member and queue its webhook event."""
    after["updated_at"] = format_stytch_time(world.clock.now())
    save_member(world, after, before=before)
    announce_member(world, after, action="UPDATE", source=source)
    return after


def announce_member(
    world: World, member: Document, *, action: webhooks.Action, source: webhooks.Source
) -> None:
    """Queue the webhook event of a member."""
    webhooks.emit_webhook(
        world,
        action=action,
        object_type="member",
        object_id=member["member_id"],
        source=source,
        document=render_member(world, member),
    )


# Checking


def apply_member_fields(world: World, member: Document, fields: Document) -> None:
    """Check fields and copy them into a member."""
    if fields.get("roles") is not None:
        wanted = fields["roles"]
        member["_explicit"] = roles.check_role_ids(world, member["organization_id"], wanted)
    if fields.get("implicit_roles") is not None:
        member["_implicit"] = fields["implicit_roles"]
    if fields.get("external_id") is not None:
        check_member_external_id(world, member, str(fields["external_id"]))
        member["external_id"] = fields["external_id"]
    for name in (*COPIED_FIELDS, "status", "email_address_verified"):
        if fields.get(name) is not None:
            member[name] = fields[name]
    for name in METADATA:
        if fields.get(name) is not None:
            member[name] = merge_stytch_metadata(member[name], fields[name])


def check_member_external_id(world: World, member: Document, external_id: str) -> None:
    """Refuse an external id that is malformed or belongs to another member."""
    if not EXTERNAL_ALPHABET.fullmatch(external_id):
        raise StytchError("invalid_argument", "external_id has characters that are not allowed.")
    owner = world.store.find_document(EXTERNAL_IDS, f"{member['organization_id']}/{external_id}")
    if owner and owner["member_id"] != member["member_id"]:
        raise StytchError("duplicate_member_external_id")


def change_email(world: World, member: Document, email: str, *, keep_old: bool) -> None:
    """Replace a member's address with an unverified one and retire the old one."""
    if email == member["email_address"]:
        return
    check_address_free(world, member, email)
    old = {"email_id": member["_email_id"], "email_address": member["email_address"]}
    kept = [entry for entry in member["retired_email_addresses"] if entry["email_address"] != email]
    member["retired_email_addresses"] = [*kept, old] if keep_old else kept
    member["email_address"] = email
    member["email_address_verified"] = False
    member["member_password_id"] = ""
    member["_email_id"] = build_stytch_id("member-email")


def check_address_free(world: World, member: Document, email: str) -> None:
    """Refuse an address that another member of the organization has or had."""
    retired = world.store.find_document(RETIRED_ADDRESSES, f"{member['organization_id']}/{email}")
    others = [
        m for m in list_members_by_email(world, email) if m["member_id"] != member["member_id"]
    ]
    same_place = [m for m in others if m["organization_id"] == member["organization_id"]]
    if same_place or (retired and retired["member_id"] != member["member_id"]):
        raise StytchError("duplicate_member_email")


# Keeping


def get_organization_index(member: Document) -> str:
    """Return the store kind that lists the members of an organization."""
    return f"{MEMBERS_BY_ORGANIZATION}:{member['organization_id']}"


def save_member(world: World, member: Document, *, before: Document | None) -> None:
    """Store a member and its index entries."""
    index_member(world, before, member)
    world.store.put_document(KIND, member["member_id"], member)
    world.store.put_document(get_organization_index(member), member["member_id"], {})


def index_member(world: World, before: Document | None, after: Document | None) -> None:
    """Replace the index entries of a member, of which a deleted one has none."""
    if before:
        for kind, id_ in list_member_keys(before):
            world.store.delete_document(kind, id_)
    if after and after["status"] != "deleted":
        for kind, id_ in list_member_keys(after):
            world.store.put_document(kind, id_, {"member_id": after["member_id"]})


def list_member_keys(member: Document) -> list[tuple[str, str]]:
    """List the index entries of one member."""
    here, member_id = member["organization_id"], member["member_id"]
    found = [(f"{MEMBERS_BY_ADDRESS}:{member['email_address']}", member_id)]
    found += [
        (RETIRED_ADDRESSES, f"{here}/{old['email_address']}")
        for old in member["retired_email_addresses"]
    ]
    if member["external_id"]:
        found.append((EXTERNAL_IDS, f"{here}/{member['external_id']}"))
    return found
