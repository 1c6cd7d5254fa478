"""What the OpenAPI document calls things: only the root knows all slices.

Every set of choices has a name here, so that no generated client meets `Status9f3Enum`.
"""

from typing import Any, Final

ENUMS: Final[dict[str, str | list[str]]] = {
    "ActorKind": "events.serializers.ACTOR_KINDS",
    "AccountStatus": "billing.statuses.AccountStatus",
    "BulkOutcome": ["queued", "refused"],
    "EventFamily": "events.serializers.FAMILIES",
    "FeatureReason": "billing.entitlements.entitlements.Reason",
    "InvitationStatus": "identity.models.InvitationStatus",
    "InvoiceStatus": "billing.models.invoices.Invoice.Status",
    "MemberStatus": "identity.models.Status",
    "Membership": ["active", "invited", "pending", "eligible"],
    "OrganizationState": "tenancy.models.Organization.State",
    "PriceInterval": "billing.models.plans.Price.Interval",
    "Proration": "billing.seat_rules.Proration",
    "Provider": "billing.models.customers.Provider",
    "Role": "identity.roles.Role",
    "SeatAttemptState": "billing.models.seats.SeatAttempt.State",
    "SeatChangeReason": "billing.models.seats.SeatChange.Reason",
    "SeatState": "billing.seat_rules.State",
    "SentStatus": ["sent"],
    "SubscriptionAccess": "billing.statuses.Access",
    "VatStatus": "billing.models.customers.Customer.VatStatus",
}

# In the order somebody new needs them, which is the order the page shows.
TAGS: Final = {
    "auth": "Sign in, go elsewhere, sign out. Stytch does the work; these calls need no other SDK.",
    "me": "The person behind the session.",
    "organizations": "The organization itself.",
    "members": "The people of an organization.",
    "invitations": "Offers to become a member.",
    "permissions": "Which role may do what.",
    "plans": "What is sold.",
    "checkout": "Buy a plan on Stripe's page.",
    "subscription": "The agreement to a plan.",
    "portal": "Stripe's own pages for payment methods and invoices.",
    "seats": "Who is paid for: counted here, billed by Stripe.",
    "invoices": "What was charged.",
    "billing_profile": "Who pays, as invoices print it.",
    "features": "What the organization may use, and why.",
    "events": "The audit trail: who changed what, when and from where.",
    "event_types": "The kinds of change the audit trail knows.",
}

NAMES: Final[dict[str, Any]] = {
    "ENUM_NAME_OVERRIDES": ENUMS,
    "TAGS": [{"name": name, "description": words} for name, words in TAGS.items()],
}
