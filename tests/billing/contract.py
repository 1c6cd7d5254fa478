"""Give the generated contract tests what they need to call billing."""

from tests.contract.table import UNKNOWN
from tests.harness.stack import poll

LINK = "https://app.example/back"

SHARED_NAMES = {"feature_key": "audit_history"}
PUBLIC = {"plans_list"}
BODIES = {
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
    "portal_create": {"return_url": LINK},
    "seats_preview": {"member_id": UNKNOWN, "role": "viewer"},
    "subscription_cancel": {"at_period_end": True},
    "subscription_change": {"price_id": UNKNOWN},
    "subscription_preview": {"price_id": UNKNOWN},
}
FOREIGN_FIELDS = {("seats_preview", "member_id"): "member_id"}
SHARED_FIELDS = {"price_id"}


def make_owned(organization, api, front_end):
    """Subscribe the organization, so that billing has rows of its own."""
    path, token = f"{organization.path}/billing/subscription", organization.admin.token

    def is_active():
        return api.get(path, token=token).json()["is_active"]

    if not is_active():
        front_end.subscribe(organization.admin)
        poll(is_active, what="the subscription")
    return {}
