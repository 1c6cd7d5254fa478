"""Handle the member calls below `/organizations/{id}/members`."""

from sandbox.store import Document
from sandbox.stytch import deletions, members, membership_rules, organizations, search
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.organizations import NOT_FOR_MEMBERS
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import normalize_email

FIELDS = (*members.COPIED_FIELDS, *members.METADATA, "external_id", "roles")
ACTIONS = {
    "name": "update.info.name",
    "untrusted_metadata": "update.info.untrusted-metadata",
    "email_address": "update.info.email",
    "mfa_phone_number": "update.info.mfa-phone",
    "is_breakglass": "update.settings.is-breakglass",
    "mfa_enrolled": "update.settings.mfa-enrolled",
    "default_mfa_method": "update.settings.default-mfa-method",
    "roles": "update.settings.roles",
}


def build_member_answer(call: Call, member: Document) -> Document:
    """Build the answer of most member calls."""
    return {
        "member_id": member["member_id"],
        "member": members.render_member(call.world, member),
        "organization": organizations.get_organization(call.world, member["organization_id"]),
    }


def create_member_call(call: Call) -> Document:
    """Create a member, active by default."""
    organization = call.get_organization()
    call.authorize("stytch.member", "create", of=organization)
    member = members.create_member(
        call.world,
        organization,
        email_address=call.get_text("email_address"),
        status="pending" if call.get_flag("create_member_as_pending") else "active",
        source="DIRECT",
        **call.list_given(*FIELDS),
    )
    return build_member_answer(call, member)


def get_member_call(call: Call) -> Document:
    """Return a member by id, external id or address."""
    organization = call.get_organization()
    if call.find_text("member_id"):
        return build_member_answer(call, call.get_member(organization))
    member = members.find_by_email(call.world, organization, call.get_email())
    if member is None:
        raise StytchError("member_not_found")
    return build_member_answer(call, member)


def dangerously_get_member_call(call: Call) -> Document:
    """Return a member of any organization, a deleted one on request."""
    member = members.find_member(call.world, call.get_text("member_id"))
    if member is None or (member["status"] == "deleted" and not call.get_flag("include_deleted")):
        raise StytchError("member_not_found")
    return build_member_answer(call, member)


def update_member_call(call: Call) -> Document:
    """Change the given fields, where `roles` replaces all explicit roles."""
    organization = call.get_organization()
    member = call.get_member(organization)
    fields = call.list_given(*FIELDS, "email_address")
    actions = [ACTIONS.get(name, NOT_FOR_MEMBERS) for name in fields]
    call.authorize("stytch.member", *actions, of=organization, on=member["member_id"])
    fields["unlink_email"] = call.get_flag("unlink_email")
    return build_member_answer(
        call, members.update_member(call.world, member, source="DIRECT", **fields)
    )


def delete_member_call(call: Call) -> Document:
    """Delete a member and end their sessions."""
    organization = call.get_organization()
    member = call.get_member(organization)
    call.authorize("stytch.member", "delete", of=organization, on=member["member_id"])
    deletions.delete_member_and_sessions(call.world, member, source="DIRECT")
    return {"member_id": member["member_id"]}


def reactivate_member_call(call: Call) -> Document:
    """Make a deleted member active again."""
    organization = call.get_organization()
    call.authorize("stytch.member", "create", of=organization)
    return build_member_answer(
        call, members.reactivate_member(call.world, organization, call.get_text("member_id"))
    )


def search_members(call: Call) -> Document:
    """Search the members of some organizations."""
    ids = call.data.get("organization_ids")
    if not ids:
        raise StytchError("bad_request", "organization_ids needs at least one id.")
    searched = [organizations.get_organization(call.world, id_) for id_ in ids]
    for home in searched:
        call.authorize("stytch.member", "search", of=home)
    query = call.find_mapping("query")
    listed = (
        (home, member) for home in searched for member in members.list_members(call.world, home)
    )
    deleted_too = search.is_status_filtered(query)
    rendered = (
        members.render_member_of(home, member)
        for home, member in listed
        if deleted_too or member["status"] != "deleted"
    )
    found = search.filter_documents(rendered, query, search.build_member_test)
    page, metadata = search.build_search_page(
        found, cursor=call.find_text("cursor"), limit=call.find_number("limit")
    )
    return {
        "members": page,
        "organizations": {home["organization_id"]: home for home in searched},
        "results_metadata": metadata,
    }


def delete_member_external_id(call: Call) -> Document:
    """Remove a member's external id."""
    member = call.get_member(call.get_organization())
    after = member | {"external_id": None}
    return build_member_answer(
        call, members.replace_member(call.world, member, after, source="DIRECT")
    )


def invite_member(call: Call) -> Document:
    """Mark a new, pending or invited member as invited, and refuse an active one."""
    organization = call.get_organization()
    call.authorize("stytch.member", "create", of=organization)
    email = normalize_email(call.get_text("email_address"))
    membership_rules.check_invitable(organization, email)
    fields = call.list_given("name", "roles", *members.METADATA)
    member = members.find_by_email(call.world, organization, email)
    if member is None:
        member = members.create_member(
            call.world,
            organization,
            email_address=email,
            status="invited",
            source="DIRECT",
            **fields,
        )
    elif member["status"] == "active":
        raise StytchError("duplicate_member_email", "The member is already active.")
    else:
        member = members.update_member(
            call.world, member, source="DIRECT", **fields, status="invited"
        )
    return build_member_answer(call, member)
