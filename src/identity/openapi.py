"""How the OpenAPI document names and describes what this app serves. Plain values only."""

TAGS = {
    "auth": "Sign in, switch organizations, sign out. No other SDK is needed.",
    "me": "The person of the session.",
    "organizations": "The organization itself.",
    "members": "The people of an organization.",
    "invitations": "Offers to become a member.",
    "permissions": "Which role holds which permission.",
}
ENUM_NAMES = {
    "BulkOutcome": ["queued", "refused"],
    "InvitationPolicy": "identity.models.security.InvitationPolicy",
    "InvitationStatus": "identity.models.InvitationStatus",
    "MemberStatus": "identity.models.Status",
    "OAuthProvider": ["google", "microsoft", "github", "slack", "hubspot"],
    "Membership": ["active", "invited", "pending", "eligible"],
    "MfaPolicy": "identity.models.security.MfaPolicy",
    "Role": "identity.roles.Role",
    "SignInMethod": "identity.models.security.SignInMethod",
    "SentStatus": ["sent"],
}
