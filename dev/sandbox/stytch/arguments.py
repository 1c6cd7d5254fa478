"""Check the arguments of the API against JSON schemas before a call changes anything."""

from typing import Any

from jsonschema import Draft202012Validator

from sandbox.store import Document
from sandbox.stytch.errors import StytchError

type Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
MAPPING: Schema = {"type": "object"}


def build_object_schema(*, required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """Build the schema of an object."""
    return {"type": "object", "properties": fields, "required": required}


def build_list_schema(schema: Schema) -> Schema:
    """Build the schema of a list."""
    return {"type": "array", "items": schema}


PERMISSION = build_object_schema(
    resource_id=TEXT, actions=TEXTS, required=("resource_id", "actions")
)
ROLE = build_object_schema(
    role_id=TEXT, description=TEXT, permissions=build_list_schema(PERMISSION), required=("role_id",)
)
SCHEMAS: dict[str, Schema] = {
    **dict.fromkeys(
        """organization_id organization_name organization_slug organization_logo_url
        organization_external_id auth_methods email_invites email_jit_provisioning
        sso_jit_provisioning oauth_tenant_jit_provisioning mfa_policy mfa_methods
        first_party_connected_apps_allowed_type third_party_connected_apps_allowed_type
        sso_default_connection_id member_id external_id email_address name mfa_phone_number
        default_mfa_method member_session_id session_token session_jwt intermediate_session_token
        magic_links_token discovery_magic_links_token code pkce_code_challenge pkce_code_verifier
        invite_redirect_url login_redirect_url signup_redirect_url discovery_redirect_url
        invited_by_member_id cursor public_token pkce_code_challenge oauth_token
        discovery_oauth_token sso_token recovery_code connection_id display_name identity_provider
        set_mfa_enrollment slug client_id client_secret issuer authorization_url token_url
        userinfo_url jwks_url custom_scopes""".split(),
        TEXT,
    ),
    **dict.fromkeys(
        """allowed_auth_methods email_allowed_domains sso_jit_provisioning_allowed_connections
        allowed_mfa_methods allowed_first_party_connected_apps allowed_third_party_connected_apps
        roles organization_ids""".split(),
        TEXTS,
    ),
    **dict.fromkeys(
        """is_breakglass mfa_enrolled unlink_email create_member_as_pending
        set_default_mfa""".split(),
        FLAG,
    ),
    **dict.fromkeys(
        """session_duration_minutes invite_expiration_minutes login_expiration_minutes
        signup_expiration_minutes discovery_expiration_minutes expiration_minutes limit""".split(),
        NUMBER,
    ),
    **dict.fromkeys(
        "trusted_metadata untrusted_metadata session_custom_claims allowed_oauth_tenants".split(),
        MAPPING,
    ),
    "rbac_email_implicit_role_assignments": build_list_schema(
        build_object_schema(role_id=TEXT, domain=TEXT, required=("role_id", "domain"))
    ),
    "authorization_check": build_object_schema(
        organization_id=TEXT,
        resource_id=TEXT,
        action=TEXT,
        required=("organization_id", "resource_id", "action"),
    ),
    "org_policy": build_object_schema(roles=build_list_schema(ROLE), required=("roles",)),
    "query": build_object_schema(
        operator=TEXT,
        operands=build_list_schema(
            build_object_schema(filter_name=TEXT, required=("filter_name", "filter_value"))
        ),
    ),
    # Not Stytch's: what SCIM or a connection gave a member, set through the control plane.
    "implicit_roles": build_list_schema(
        build_object_schema(
            role_id=TEXT,
            source=build_object_schema(type=TEXT, details=MAPPING, required=("type", "details")),
            required=("role_id", "source"),
        )
    ),
}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def check_arguments(given: Document) -> None:
    """Refuse an argument that does not match its schema, and treat null as absent."""
    for name in given.keys() & VALIDATORS.keys():
        if given[name] is None:
            continue
        for fault in VALIDATORS[name].iter_errors(given[name]):
            path = fault.json_path.removeprefix("$")
            raise StytchError("bad_request", f"{name}{path} is malformed.")
