"""Define Stytch's error types with their statuses and texts."""

from sandbox.store import Document

ERRORS = {
    "bad_request": (400, "The request was malformed."),
    "invalid_argument": (400, "An argument has an invalid value."),
    "invalid_email": (400, "The email address is not valid."),
    "invalid_session_duration": (400, "Session duration must be between 5 and 527040 minutes."),
    "invalid_organization_id": (400, "The organization_id is malformed."),
    "invalid_organization_slug": (
        400,
        "The organization_slug must have 2 to 128 characters: letters, digits, and - . _ ~ only.",
    ),
    "organization_slug_already_used": (
        400,
        "The provided organization_slug is already used in another organization.",
    ),
    "organization_external_id_already_used": (
        400,
        "The provided organization_external_id is already used in another organization.",
    ),
    "duplicate_member_email": (400, "A member with the specified email already exists."),
    "duplicate_member_external_id": (400, "A member with the specified external id exists."),
    "too_many_session_arguments": (400, "Only one session argument may be given."),
    "no_session_arguments": (400, "One session argument is required."),
    "unable_to_parse_session_jwt": (400, "The session JWT could not be parsed."),
    "jwt_invalid_issuer": (400, "The session JWT has another issuer."),
    "jwt_invalid_audience": (400, "The session JWT has another audience."),
    "jwt_invalid_claims": (400, "The session JWT lacks claims."),
    "no_deleted_member_found_for_reactivation": (400, "No deleted member found to reactivate."),
    "email_unverified_for_reactivation": (400, "The member's email was never verified."),
    "reactivation_email_belongs_to_another_member": (
        400,
        "The member's email now belongs to another member.",
    ),
    "invalid_rbac_role_id": (400, "A role is not defined in the RBAC policy."),
    "cannot_assign_default_rbac_role_id": (400, "The stytch_member role cannot be assigned."),
    "invalid_email_for_invites": (400, "The organization does not allow inviting this email."),
    "email_jit_provisioning_not_allowed": (
        400,
        "The organization does not allow joining by email.",
    ),
    "invalid_email_for_jit_provisioning": (
        400,
        "The email's domain may not join this organization.",
    ),
    "invalid_token": (400, "The token is of another kind or malformed."),
    "pkce_expected_code_verifier": (400, "A PKCE code verifier is required."),
    "pkce_did_not_expect_code_verifier": (400, "The flow was started without a PKCE challenge."),
    "public_token_required": (400, "A public token is required."),
    "invalid_url": (400, "The URL is not valid."),
    "missing_oauth_organization_locator": (400, "An organization_id or a slug is required."),
    "missing_sso_connection_locator": (400, "A connection_id or an organization_id is required."),
    "oauth_config_not_found": (400, "The OAuth provider is not configured."),
    "invalid_phone_number": (400, "The phone number is not in E.164 format."),
    "invalid_recovery_code": (400, "The recovery code is not valid."),
    "active_totp_exists": (
        400,
        (
            "Cannot create a new TOTP for the specified user since the user already has an active "
            "TOTP. Users may only have one active TOTP at a time."
        ),
    ),
    "action_available_only_for_active_members": (
        400,
        "You may not attach an MFA factor to a member that is not active.",
    ),
    "action_available_only_once_primary_authentication_is_met": (
        400,
        (
            "You must complete the primary authentication requirements for an organization before "
            "completing an MFA flow."
        ),
    ),
    "operation_restricted_by_organization_mfa_methods": (
        403,
        "The organization does not allow this MFA method.",
    ),
    "pkce_mismatch": (400, "The PKCE code verifier does not match the challenge."),
    "unauthorized_credentials": (401, "Unauthorized credentials."),
    "unable_to_auth_magic_link": (
        401,
        (
            "The magic link could not be authenticated because it was either already used or "
            "expired. Send another magic link to this user."
        ),
    ),
    "unable_to_auth_otp_code": (
        401,
        "The OTP code could not be authenticated because it was either already used or expired.",
    ),
    "unable_to_authenticate_totp": (401, "The TOTP code could not be authenticated."),
    "totp_code_already_authenticated": (401, "The TOTP code was authenticated before."),
    "session_authorization_error": (
        403,
        "The Member is not authorized to perform the requested action on that resource.",
    ),
    "session_authorization_tenancy_error": (
        403,
        "The Member belongs to a different Organization than the one of the request.",
    ),
    "session_not_found": (404, "Session could not be found."),
    "intermediate_session_not_found": (404, "Intermediate session could not be found."),
    "magic_link_not_found": (404, "Magic link could not be found."),
    "otp_code_not_found": (404, "The OTP code could not be found."),
    "member_not_found": (404, "Member could not be found."),
    "member_does_not_exist_in_organization": (404, "The member is not in this organization."),
    "organization_not_found": (404, "Organization could not be found."),
    "public_token_not_found": (404, "The public token could not be found."),
    "oauth_token_not_found": (404, "The OAuth token could not be found."),
    "sso_token_not_found": (404, "The SSO token could not be found."),
    "sso_connection_not_found": (404, "The SSO connection could not be found."),
    "no_sso_connection_exists_for_organization": (404, "The organization has no SSO connection."),
    "totp_not_found": (404, "The TOTP could not be found."),
    "recovery_codes_not_found": (404, "The recovery codes could not be found."),
    "phone_number_not_found": (404, "The phone number could not be found."),
    "secondary_factor_not_found": (404, "The secondary factor could not be found."),
    "route_not_found": (404, "The route could not be found."),
    "method_not_allowed": (405, "The method is not allowed on this route."),
    "too_many_requests": (429, "Too many requests have been made."),
    "user_lock_limit_reached": (
        429,
        "The user has been locked out due to too many failed authentication attempts.",
    ),
    "internal_server_error": (500, "Oops, something seems to have gone wrong."),
}


class StytchError(Exception):
    """Carry one error type with its status and text."""

    def __init__(self, error_type: str, message: str = "") -> None:
        self.error_type = error_type
        self.status, self.message = ERRORS[error_type]
        self.message = message or self.message
        super().__init__(f"{error_type}: {self.message}")


def build_error_body(*, status: int, error_type: str, message: str, request_id: str) -> Document:
    """Build the JSON body of an error in Stytch's format."""
    return {
        "status_code": status,
        "request_id": request_id,
        "error_type": error_type,
        "error_message": message,
        "error_url": f"https://stytch.com/docs/api/errors/{status}#{error_type}",
    }


def build_fault_error(status: int) -> Document:
    """Build the error body of a fault that names only a status."""
    fitting = {429: "too_many_requests", 401: "unauthorized_credentials", 400: "bad_request"}
    error_type = fitting.get(status, "internal_server_error")
    message = ERRORS[error_type][1]
    return build_error_body(
        status=status, error_type=error_type, message=message, request_id="request-id-test-injected"
    )
