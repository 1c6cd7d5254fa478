"""The small table: what the ids in paths, queries and bodies name, and a good body for each call.

The tests beside it are generated from the contract; a new operation with a path parameter, a
filter or a body that is not here makes them fail.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Belongings:
    """What an organization has that nobody else may see."""

    slug: str
    id: str
    member_id: str
    invitation_id: str
    event_id: str
    session_id: str
    email: str
    invited: str

    def named(self, operation):
        """Values for the operation's path, all of them this organization's."""
        return {name: self._value(operation, name) for name in operation.names}

    def _value(self, operation, name):
        if name in SHARED_NAMES:
            return SHARED_NAMES[name]
        return getattr(self, NAMES.get((operation.said["tags"][0], name), name))


# (tag, path parameter) → what it names; parameters of other names are called like it.
NAMES = {
    ("members", "id"): "member_id",
    ("invitations", "id"): "invitation_id",
    ("events", "id"): "event_id",
}
SHARED_NAMES = {"feature_key": "audit_history"}  # the same for every organization

PUBLIC = {
    "auth_accept_invitation",
    "auth_create_organization",
    "auth_create_session",
    "auth_discover",
    "auth_refresh_session",
    "auth_send_code",
    "auth_send_magic_link",
    "auth_verify_code",
    "plans_list",
}

# Beside reading, this is all that those who are not admins may do to an organization.
FOR_EVERYBODY = {"members_leave"}

LINK = "https://app.example/back"
UNKNOWN = "01890000-0000-7000-8000-000000000000"

# Good bodies, of people and things nobody has.
BODIES = {
    "auth_accept_invitation": {"token": "never-was"},
    "auth_create_organization": {
        "intermediate_session_token": "never-was",
        "name": "Contract",
        "slug": "contract",
    },
    "auth_create_session": {
        "intermediate_session_token": "never-was",
        "organization_id": UNKNOWN,
    },
    "auth_discover": {"token": "never-was"},
    "auth_refresh_session": {"session_token": "never-was"},
    "auth_send_code": {"email": "nobody@contract.example"},
    "auth_send_magic_link": {"email": "nobody@contract.example"},
    "auth_switch_session": {"organization_id": UNKNOWN},
    "auth_verify_code": {"email": "nobody@contract.example", "code": "000000"},
    "billing_profile_update": {
        "name": "Contract",
        "email": "billing@contract.example",
        "address_line1": "1 Main Street",
        "address_line2": "",
        "city": "Berlin",
        "state": "",
        "postal_code": "10115",
        "country": "DE",
        "vat_id": "DE123456789",
    },
    "checkout_create": {"price_id": UNKNOWN, "success_url": LINK, "cancel_url": LINK},
    "invitations_bulk": {"invitations": [{"email": "new@contract.example", "role": "viewer"}]},
    "invitations_create": {"email": "new@contract.example", "role": "viewer", "name": "New"},
    "me_update": {"name": "Somebody", "avatar_url": "", "timezone": "Europe/Berlin"},
    "members_update": {"role": "viewer"},
    "organizations_update": {"name": "Contract", "slug": "contract"},
    "portal_create": {"return_url": LINK},
    "seats_preview": {"member_id": UNKNOWN, "role": "viewer"},
    "subscription_cancel": {"at_period_end": True},
    "subscription_change": {"price_id": UNKNOWN},
}

# Fields of bodies that name something, and what: (operation, field) → an attribute of Belongings.
FOREIGN_FIELDS = {
    ("auth_create_session", "organization_id"): "id",
    ("auth_switch_session", "organization_id"): "id",
    ("seats_preview", "member_id"): "member_id",
}
SHARED_FIELDS = {"price_id"}

# Filters by something an organization has, and what else may be asked for.
FOREIGN_FILTERS = {
    ("events_list", "actor"): "member_id",
    ("events_list", "target"): "invitation_id",
    ("invitations_list", "email"): "invited",
    ("members_list", "email"): "email",
    ("members_list", "search"): "email",
}
SHARED_FILTERS = {"limit", "cursor", "ordering", "role", "status", "type", "since", "until"}
