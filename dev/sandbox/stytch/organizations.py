"""Store organizations and find them by id, slug or external id."""

import re

from sandbox.store import Document
from sandbox.stytch import roles, webhooks
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, format_stytch_time, merge_stytch_metadata
from sandbox.world import World

KIND = "stytch.organization"
SLUGS = "stytch.slug"
EXTERNAL_IDS = "stytch.organization_external_id"
JOINABLE_BY_DOMAIN = "stytch.joinable"  # one kind per domain: the organizations it may join

ALPHABET = re.compile(r"[A-Za-z0-9\-._~]{2,128}")
OPEN = frozenset({"ALL_ALLOWED", "RESTRICTED", "NOT_ALLOWED"})
METHODS = frozenset({"ALL_ALLOWED", "RESTRICTED"})
JOINING = frozenset({"RESTRICTED", "NOT_ALLOWED"})
CHOICES = {
    "auth_methods": METHODS,
    "email_invites": OPEN,
    "email_jit_provisioning": JOINING,
    "sso_jit_provisioning": OPEN,
    "oauth_tenant_jit_provisioning": JOINING,
    "mfa_policy": frozenset({"OPTIONAL", "REQUIRED_FOR_ALL"}),
    "mfa_methods": METHODS,
    "first_party_connected_apps_allowed_type": OPEN,
    "third_party_connected_apps_allowed_type": OPEN,
}
AUTH_METHODS = frozenset(
    """sso magic_link email_otp password google_oauth microsoft_oauth slack_oauth github_oauth
    hubspot_oauth""".split()
)
LISTS = (
    "allowed_auth_methods",
    "email_allowed_domains",
    "sso_jit_provisioning_allowed_connections",
    "allowed_mfa_methods",
    "rbac_email_implicit_role_assignments",
    "allowed_first_party_connected_apps",
    "allowed_third_party_connected_apps",
)
SETTINGS = (*CHOICES, *LISTS, "allowed_oauth_tenants", "sso_default_connection_id")
COMMON_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "hotmail.com", "icloud.com", "outlook.com", "yahoo.com"}
)
EMPTY_ORGANIZATION: Document = {
    "organization_logo_url": "",
    "organization_external_id": None,
    "auth_methods": "ALL_ALLOWED",
    "allowed_auth_methods": [],
    "email_invites": "ALL_ALLOWED",
    "email_jit_provisioning": "NOT_ALLOWED",
    "email_allowed_domains": [],
    "claimed_email_domains": [],
    "sso_jit_provisioning": "NOT_ALLOWED",
    "sso_jit_provisioning_allowed_connections": [],
    "sso_default_connection_id": None,
    "sso_active_connections": [],
    "scim_active_connection": None,
    "oauth_tenant_jit_provisioning": "NOT_ALLOWED",
    "allowed_oauth_tenants": {},
    "mfa_policy": "OPTIONAL",
    "mfa_methods": "ALL_ALLOWED",
    "allowed_mfa_methods": [],
    "rbac_email_implicit_role_assignments": [],
    "first_party_connected_apps_allowed_type": "ALL_ALLOWED",
    "allowed_first_party_connected_apps": [],
    "third_party_connected_apps_allowed_type": "ALL_ALLOWED",
    "allowed_third_party_connected_apps": [],
    "custom_roles": [],
    "trusted_metadata": {},
}


def get_organization(world: World, reference: str) -> Document:
    """Return an organization by id, slug or external id.

    Raises:
        StytchError: the reference is malformed or there is no such organization.
    """
    if not reference or len(reference) > 128 or re.search(r"[\s/]", reference):
        raise StytchError("invalid_organization_id")
    for index in (SLUGS, EXTERNAL_IDS):
        if found := world.store.find_document(
            index, reference.lower() if index == SLUGS else reference
        ):
            reference = found["organization_id"]
            break
    organization = world.store.find_document(KIND, reference)
    if organization is None:
        raise StytchError("organization_not_found")
    return organization


def create_organization(world: World, *, source: webhooks.Source, **fields: object) -> Document:
    """Create an organization, and derive a missing slug from its name."""
    now = format_stytch_time(world.clock.now())
    organization_id = build_stytch_id("organization")
    organization = {
        "organization_id": organization_id,
        "organization_name": "",
        **EMPTY_ORGANIZATION,
    }
    if any(name in fields for name in SETTINGS):
        organization["email_invites"] = "NOT_ALLOWED"
    if "organization_slug" not in fields:
        fields["organization_slug"] = build_free_slug(
            world, str(fields.get("organization_name", ""))
        )
    organization |= {"created_at": now, "updated_at": now}
    apply_organization_fields(world, organization, fields)
    save_organization(world, organization, before=None)
    announce_organization(world, organization, action="CREATE", source=source)
    return organization


def update_organization(
    world: World, organization: Document, *, source: webhooks.Source, **fields: object
) -> Document:
    """Change the given fields of an organization."""
    before = dict(organization)
    after = dict(organization) | {"updated_at": format_stytch_time(world.clock.now())}
    apply_organization_fields(world, after, fields)
    save_organization(world, after, before=before)
    announce_organization(world, after, action="UPDATE", source=source)
    return after


def delete_organization(world: World, organization: Document, *, source: webhooks.Source) -> None:
    """Remove an organization, whose members get no events of their own."""
    index_organization(world, organization, None)
    world.store.delete_document(KIND, organization["organization_id"])
    world.store.delete_document(roles.ORG_POLICY, organization["organization_id"])
    announce_organization(world, organization, action="DELETE", source=source)


def announce_organization(
    world: World, organization: Document, *, action: webhooks.Action, source: webhooks.Source
) -> None:
    """Queue the webhook event of an organization."""
    webhooks.emit_webhook(
        world,
        action=action,
        object_type="organization",
        object_id=organization["organization_id"],
        source=source,
        document=organization,
    )


def apply_organization_fields(world: World, organization: Document, fields: Document) -> None:
    """Check fields and copy them into an organization."""
    name = fields.get("organization_name", organization["organization_name"])
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 128:
        raise StytchError("invalid_argument", "organization_name must have 1 to 128 characters.")
    check_slug(world, organization, fields)
    check_organization_external_id(world, organization, fields)
    check_settings(world, organization, fields)
    if "trusted_metadata" in fields:
        fields["trusted_metadata"] = merge_stytch_metadata(
            organization["trusted_metadata"], fields["trusted_metadata"]
        )
    organization |= fields


def check_slug(world: World, organization: Document, fields: Document) -> None:
    """Refuse a slug that is malformed or belongs to another organization."""
    slug = fields.get("organization_slug")
    if slug is None:
        return
    if not ALPHABET.fullmatch(slug) or not re.search(r"[A-Za-z0-9]", slug):
        raise StytchError("invalid_organization_slug")
    owner = world.store.find_document(SLUGS, slug.lower())
    if owner and owner["organization_id"] != organization["organization_id"]:
        raise StytchError("organization_slug_already_used")


def check_organization_external_id(world: World, organization: Document, fields: Document) -> None:
    """Refuse an external id that belongs to another organization."""
    owner = world.store.find_document(EXTERNAL_IDS, str(fields.get("organization_external_id")))
    if owner and owner["organization_id"] != organization["organization_id"]:
        raise StytchError("organization_external_id_already_used")


def check_settings(world: World, organization: Document, fields: Document) -> None:
    """Refuse unknown setting values, public mail domains and unknown roles."""
    for name, allowed in CHOICES.items():
        if name in fields and fields[name] not in allowed:
            raise StytchError("invalid_argument", f"{name} must be one of {sorted(allowed)}.")
    unknown = set(fields.get("allowed_auth_methods", [])) - AUTH_METHODS
    if unknown:
        raise StytchError("invalid_argument", f"Unknown authentication methods: {sorted(unknown)}.")
    if common := COMMON_DOMAINS.intersection(fields.get("email_allowed_domains", [])):
        raise StytchError("invalid_argument", f"Common domains are refused: {sorted(common)}.")
    assigned = [a["role_id"] for a in fields.get("rbac_email_implicit_role_assignments", [])]
    roles.check_role_ids(world, organization["organization_id"], assigned)


def build_free_slug(world: World, name: str) -> str:
    """Derive an unused slug from a name."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:120]
    base = base if len(base) >= 2 else "organization"
    slug, number = base, 1
    while world.store.find_document(SLUGS, slug):
        number += 1
        slug = f"{base}-{number}"
    return slug


def save_organization(world: World, organization: Document, *, before: Document | None) -> None:
    """Store an organization and its index entries."""
    index_organization(world, before, organization)
    world.store.put_document(KIND, organization["organization_id"], organization)


def index_organization(world: World, before: Document | None, after: Document | None) -> None:
    """Replace the index entries of an organization."""
    if before:
        world.store.delete_document(SLUGS, before["organization_slug"].lower())
        world.store.delete_document(EXTERNAL_IDS, before["organization_external_id"] or "")
        for domain in list_joinable_domains(before):
            world.store.delete_document(f"{JOINABLE_BY_DOMAIN}:{domain}", before["organization_id"])
    if after:
        entry = {"organization_id": after["organization_id"]}
        world.store.put_document(SLUGS, after["organization_slug"].lower(), entry)
        if after["organization_external_id"]:
            world.store.put_document(EXTERNAL_IDS, after["organization_external_id"], entry)
        for domain in list_joinable_domains(after):
            world.store.put_document(
                f"{JOINABLE_BY_DOMAIN}:{domain}", after["organization_id"], entry
            )


def list_joinable_domains(organization: Document) -> list[str]:
    """List the mail domains whose addresses may join without an invitation."""
    if organization["email_jit_provisioning"] != "RESTRICTED":
        return []
    return [domain.lower() for domain in organization["email_allowed_domains"]]


def list_joinable_by(world: World, domain: str) -> list[Document]:
    """List the organizations that addresses of a domain may join."""
    ids = world.store.list_ids(f"{JOINABLE_BY_DOMAIN}:{domain}")
    return [found for id_ in ids if (found := world.store.find_document(KIND, id_))]
