"""Handle `/discovery` calls that list, create and enter organizations."""

from sandbox.store import Document
from sandbox.stytch import (
    credentials,
    factors,
    members,
    membership_rules,
    oauth_registrations,
    organizations,
    roles,
    second_factors,
    sessions,
)
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.organizations import FIELDS
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, get_domain
from sandbox.world import World


def prove_address(call: Call, *, email: str, type: str) -> Document:  # noqa: A002
    """Start an intermediate session for a proven address and list its organizations."""
    email_id = build_stytch_id("member-email")
    proof = factors.build_email_factor(call.world, type=type, email_id=email_id, email=email)
    return start_discovery(call, email=email, proof=proof)


def start_discovery(call: Call, *, email: str, proof: Document) -> Document:
    """Start an intermediate session with one factor and list the organizations of its address."""
    session = credentials.create_intermediate_session(call.world, email=email, factors=[proof])
    return {
        "intermediate_session_token": session["token"],
        "intermediate_session_token_expires_at": session["expires_at"],
        "email_address": email,
        "discovered_organizations": list_discovered(call.world, email, [proof], joinable=True),
    }


def list_discovered(
    world: World, email: str, held: list[Document], *, joinable: bool
) -> list[Document]:
    """List the organizations an address belongs to, and those its domain may join."""
    found = []
    joined_ids = set()
    for member in members.list_members_by_email(world, email):
        joined_ids.add(member["organization_id"])
        membership = {
            "type": f"{member['status']}_member",
            "details": None,
            "member": members.render_member(world, member),
        }
        organization = organizations.get_organization(world, member["organization_id"])
        found.append(
            build_discovered(
                organization,
                membership,
                membership_rules.list_unmet_requirements(organization, member, held),
            )
        )
    domain = get_domain(email)
    for organization in organizations.list_joinable_by(world, domain) if joinable else []:
        if organization["organization_id"] not in joined_ids:
            kind = "eligible_to_join_by_email_domain"
            membership = {"type": kind, "details": {"domain": domain}, "member": None}
            missing = membership_rules.list_unmet_requirements(
                organization, build_candidate(email), held
            )
            found.append(build_discovered(organization, membership, missing))
    return found


def build_candidate(email: str) -> Document:
    """Build the member that a person who may join would become."""
    return members.EMPTY_MEMBER | {"email_address": email}


def build_discovered(organization: Document, membership: Document, missing: Document) -> Document:
    """Build the entry of one discovered organization."""
    return {
        "organization": organization,
        "membership": membership,
        "member_authenticated": not missing,
        "primary_required": None,
        "mfa_required": None,
        **missing,
    }


def list_organizations_call(call: Call) -> Document:
    """List the organizations that a session or an intermediate session may enter."""
    arguments = ("intermediate_session_token", "session_token", "session_jwt")
    given = call.list_given(*arguments)
    if len(given) > 1:
        raise StytchError("too_many_session_arguments")
    if token := given.get(arguments[0]):
        proof = credentials.get_intermediate_session(call.world, token)
        email = proof["email"]
        found = list_discovered(call.world, email, proof["factors"], joinable=True)
    else:
        session = call.get_session()
        email = (members.find_member(call.world, session["member_id"]) or {})["email_address"]
        held = session["authentication_factors"]
        found = list_discovered(call.world, email, held, joinable=False)
    return {
        "email_address": email,
        "discovered_organizations": found,
        "organization_id_hint": None,
    }


def build_default_name(email: str) -> str:
    """Name an organization after the address of its creator.

    After the local part at a common provider or a school, else after the domain:
    https://stytch.com/docs/b2b/api/create-organization-via-discovery
    """
    local, _, domain = email.partition("@")
    is_shared = domain.endswith(".edu") or domain in organizations.COMMON_DOMAINS
    return local if is_shared else domain.partition(".")[0]


def create_organization_call(call: Call) -> Document:
    """Create an organization with the proven address as its first admin."""
    proof = credentials.get_intermediate_session(
        call.world, call.get_text("intermediate_session_token")
    )
    call.check_session_arguments()
    fields = call.list_given(*FIELDS)
    fields.setdefault("organization_name", build_default_name(proof["email"]))
    organization = organizations.create_organization(call.world, source="DIRECT", **fields)
    creator = members.create_member(
        call.world,
        organization,
        email_address=proof["email"],
        status="active",
        source="DIRECT",
        roles=[roles.ADMIN],
    )
    return enter_organization(call, creator, held=proof["factors"], proof=proof)


def exchange_intermediate_session(call: Call) -> Document:
    """Enter an organization as its member, by an invitation or by the address's domain."""
    proof = credentials.get_intermediate_session(
        call.world, call.get_text("intermediate_session_token")
    )
    call.check_session_arguments()
    organization = call.get_organization()
    member = members.find_by_email(call.world, organization, proof["email"])
    if member is None:
        member = create_joining_member(call, organization, proof)
    return enter_organization(call, member, held=proof["factors"], proof=proof)


def create_joining_member(call: Call, organization: Document, proof: Document) -> Document:
    """Create the member that a person joins as by the domain of the address.

    Without a proof of the address the member stays pending.
    """
    membership_rules.check_joinable(organization, proof["email"])
    missing = membership_rules.list_unmet_requirements(
        organization, build_candidate(proof["email"]), proof["factors"]
    )
    proven = "primary_required" not in missing
    return members.create_member(
        call.world,
        organization,
        email_address=proof["email"],
        status="active" if proven else "pending",
        source="DIRECT",
        email_address_verified=proven,
    )


def enter_organization(
    call: Call, member: Document, *, held: list[Document], proof: Document | None = None
) -> Document:
    """Start a session with these factors, or answer what is missing.

    A started session ends the intermediate session in `proof`.
    """
    organization = organizations.get_organization(call.world, member["organization_id"])
    missing = membership_rules.list_unmet_requirements(organization, member, held)
    if "primary_required" not in missing:
        member = members.activate_member(call.world, member)
    if missing:
        proof = proof or credentials.create_intermediate_session(
            call.world, email=member["email_address"], factors=[]
        )
        proof = credentials.set_factors(call.world, proof, held)
        missing = second_factors.send_code_if_enrolled(call.world, organization, member, missing)
        return sessions.build_unfinished_answer(call.world, member, proof, missing)
    if proof:
        credentials.end_intermediate_session(call.world, proof)
    session = sessions.start_session(
        call.world,
        oauth_registrations.store_oauth_registrations(call.world, member, held),
        factors=sessions.select_factors(call.world, member, held),
        minutes=call.find_number("session_duration_minutes"),
        custom_claims=call.find_mapping("session_custom_claims"),
    )
    return sessions.build_authenticated_answer(call.world, session)
