"""Serve the customer portal's configurations and sessions."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import (
    blank_to_none,
    build_object_id,
    merge_stripe_metadata,
    overlay_settings,
)
from sandbox.stripe.protocol.errors import StripeError, build_absent_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters

URL = "/v1/billing_portal/configurations"
CANCELLATION_REASONS = (
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "low_quality",
    "other",
)
DEFAULT_FEATURES: Document = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {
            "enabled": False,
            "feedback_options": None,
            "options": list(CANCELLATION_REASONS),
        },
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {
        "duration": {"interval_options": [], "type": "indefinite"},
        "enabled": False,
    },
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


def create_configuration(call: Call) -> Document:
    """Create a configuration."""
    now = call.ledger.now
    configuration: Document = {
        "id": build_object_id("billing_portal.configuration"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": dict.fromkeys(
            ("headline", "privacy_policy_url", "terms_of_service_url")
        ),
        "created": now,
        "default_return_url": None,
        "features": DEFAULT_FEATURES,
        "is_default": call.ledger.world.store.count_documents("stripe.billing_portal.configuration")
        == 0,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": now,
    }
    configuration = apply_configuration(configuration, call.params)
    call.ledger.add_object(configuration, event="billing_portal.configuration.created")
    return configuration


def apply_configuration(configuration: Document, params: dict[str, Any]) -> Document:
    """Return a configuration with the parameters applied, feature by feature."""
    result = dict(configuration)
    for name in ("active", "default_return_url", "name"):
        if name in params:
            result[name] = blank_to_none(params[name])
    for name in ("business_profile", "login_page"):
        given = {key: blank_to_none(value) for key, value in params.get(name, {}).items()}
        result[name] = configuration[name] | given
    result["features"] = overlay_settings(configuration["features"], params.get("features", {}))
    result["metadata"] = merge_stripe_metadata(configuration["metadata"], params.get("metadata"))
    check_features(result["features"])
    return result


def check_features(features: Document) -> None:
    """Refuse features that are enabled without the settings they require."""
    update = features["customer_update"]
    if update["enabled"] and not update["allowed_updates"]:
        raise build_absent_error("features[customer_update][allowed_updates]")
    if features["subscription_update"]["enabled"]:
        raise StripeError(
            "The sandbox's portal does not offer plan or quantity changes.",
            param="features[subscription_update][enabled]",
        )


def retrieve_configuration(call: Call) -> Document:
    """Return a configuration."""
    return call.ledger.get_object("billing_portal.configuration", call.path["configuration"])


def update_configuration(call: Call) -> Document:
    """Change a configuration."""
    result = apply_configuration(retrieve_configuration(call), call.params) | {
        "updated": call.ledger.now
    }
    call.ledger.save_object(result, event="billing_portal.configuration.updated")
    return result


def list_configurations(call: Call) -> Document:
    """List configurations."""
    every = call.ledger.list_objects("billing_portal.configuration")
    found = [
        entry for entry in every if is_matching_filters(entry, call.params, "active", "is_default")
    ]
    return build_list_page(found, call.params, url=URL)


def create_portal_session(call: Call) -> Document:
    """Create a short-lived portal session of a customer."""
    ledger, params = call.ledger, call.params
    if "customer" not in params:
        raise build_absent_error("customer")
    customer = ledger.get_object("customer", params["customer"], param="customer")
    configuration = get_configuration(ledger, params.get("configuration"))
    id_ = build_object_id("billing_portal.session")
    session: Document = {
        "id": id_,
        "object": "billing_portal.session",
        "configuration": configuration["id"],
        "created": ledger.now,
        "customer": customer["id"],
        "customer_account": None,
        "flow": None,
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": f"{ledger.world.settings.public_url}/portal/{id_}",
    }
    ledger.add_object(session)
    return session


def get_configuration(ledger: Ledger, id_: str | None) -> Document:
    """Return the named configuration, or the default one.

    An inactive one cannot be used to create sessions:
    https://docs.stripe.com/api/customer_portal/configurations/object

    Raises:
        StripeError: Neither exists, or the named one is inactive.
    """
    if id_:
        found = ledger.get_object("billing_portal.configuration", id_, param="configuration")
        if not found["active"]:
            raise StripeError("The configuration is inactive.", param="configuration")
        return found
    for entry in ledger.list_objects("billing_portal.configuration"):
        if entry["is_default"]:
            return entry
    raise StripeError(
        "No configuration provided and your test mode default configuration has not been created. "
        "Provide a configuration or create your default by saving your customer portal settings."
    )
