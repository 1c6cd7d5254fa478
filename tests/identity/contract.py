"""What the generated contract tests need to know of identity."""

import secrets

from tests.contract.table import UNKNOWN

NAMES = {("members", "id"): "member_id", ("invitations", "id"): "invitation_id"}
PUBLIC = {
    "auth_accept_invitation",
    "auth_check_recovery_code",
    "auth_check_sms",
    "auth_check_totp",
    "auth_create_organization",
    "auth_create_session",
    "auth_create_totp",
    "auth_discover_by_oauth",
    "auth_send_sms",
    "auth_sign_in_by_sso",
    "auth_start_oauth",
    "auth_start_sso",
    "auth_discover",
    "auth_refresh_session",
    "auth_send_code",
    "auth_send_magic_link",
    "auth_verify_code",
}
SECOND_FACTOR = {
    "intermediate_session_token": "unknown",
    "organization_id": UNKNOWN,
    "member_id": "unknown",
}
OPEN_TO_MEMBERS = {"members_leave"}
BODIES = {
    "auth_accept_invitation": {"token": "unknown"},
    "auth_check_recovery_code": {**SECOND_FACTOR, "code": "abcd-efgh-jkmn"},
    "auth_check_sms": {**SECOND_FACTOR, "code": "000000"},
    "auth_check_totp": {**SECOND_FACTOR, "code": "000000"},
    "auth_create_totp": SECOND_FACTOR,
    "auth_discover_by_oauth": {"token": "unknown"},
    "auth_send_sms": {**SECOND_FACTOR, "phone_number": "+15005550006"},
    "auth_sign_in_by_sso": {"token": "unknown"},
    "auth_create_organization": {
        "intermediate_session_token": "unknown",
        "name": "Contract",
        "slug": "contract",
    },
    "auth_create_session": {"intermediate_session_token": "unknown", "organization_id": UNKNOWN},
    "auth_discover": {"token": "unknown"},
    "auth_refresh_session": {"session_token": "unknown"},
    "auth_send_code": {"email": "ann@contract.example"},
    "auth_send_magic_link": {"email": "ann@contract.example"},
    "auth_switch_session": {"organization_id": UNKNOWN},
    "auth_verify_code": {"email": "ann@contract.example", "code": "000000"},
    "invitations_bulk": {"invitations": [{"email": "new@contract.example", "role": "viewer"}]},
    "invitations_create": {"email": "new@contract.example", "role": "viewer", "name": "New"},
    "me_update": {"name": "Ann", "avatar_url": "", "timezone": "Europe/Berlin"},
    "members_update": {"role": "viewer"},
    "organizations_update": {"name": "Contract", "slug": "contract"},
    "security_update": {
        "allowed_domains": ["contract.example"],
        "invitations": "all",
        "just_in_time_joining": False,
        "mfa_policy": "optional",
        "allowed_sign_in_methods": ["magic_link", "email_otp"],
        "removal_is_final": False,
    },
}
QUERIES = {
    "auth_start_oauth": {"provider": "google", "redirect_url": "https://app.example/signed-in"},
    "auth_start_sso": {
        "connection_id": "oidc-connection-test-1",
        "redirect_url": "https://app.example/signed-in",
    },
}
FOREIGN_FIELDS = {
    ("auth_check_recovery_code", "organization_id"): "id",
    ("auth_check_recovery_code", "member_id"): "member_id",
    ("auth_check_sms", "organization_id"): "id",
    ("auth_check_sms", "member_id"): "member_id",
    ("auth_check_totp", "organization_id"): "id",
    ("auth_check_totp", "member_id"): "member_id",
    ("auth_create_totp", "organization_id"): "id",
    ("auth_create_totp", "member_id"): "member_id",
    ("auth_send_sms", "organization_id"): "id",
    ("auth_send_sms", "member_id"): "member_id",
    ("auth_create_session", "organization_id"): "id",
    ("auth_switch_session", "organization_id"): "id",
}
FOREIGN_FILTERS = {
    ("invitations_list", "email"): "invited",
    ("members_list", "email"): "email",
    ("members_list", "search"): "email",
}
SHARED_FILTERS = {"role", "status"}


def make_owned(organization, api, front_end):
    """Return the things of an organization that the rows above name."""
    # Addresses of this attempt: a second one begins here again.
    people = [organization.address(f"new-{secrets.token_hex(3)}") for _ in range(2)]
    invited = [front_end.invite(organization.admin, person, role="member") for person in people]
    sessions = api.get("/v1/me/sessions", token=organization.admin.token).json()["results"]
    return {
        "slug": organization.slug,
        "id": organization.id,
        "member_id": organization.member.member["id"],
        "invitation_id": invited[0]["id"],
        "session_id": sessions[0]["id"],
        "email": organization.address("grace"),
        "invited": people[0],
    }
