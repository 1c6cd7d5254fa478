"""The settings of Stripe's customer portal, which the product makes and staff may edit."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import stripe
from stripe import params

from billing.providers.stripe.errors import translate_errors
from billing.providers.types import PortalReport

PORTAL_METADATA: Final = {"tenantry": "portal"}
MAX_CONFIGURATIONS: Final = 100  # https://docs.stripe.com/api/customer_portal/configurations/list


def get_configuration_id(client: stripe.StripeClient) -> str:
    """Return the id of our settings, which are created if there are none."""
    found = _find_ours(_list_configurations(client))
    return found["id"] if found else _create_configuration(client)


def sync_configuration(client: stripe.StripeClient, *, overwrites: bool) -> PortalReport:
    """Create our settings if there are none, and return what was set by hand.

    With `overwrites`, changes of ours are taken back. Settings that others made are never changed,
    because the sessions of the product do not use them.
    """
    configurations = _list_configurations(client)
    found = _find_ours(configurations)
    unused = tuple(_describe_other(raw) for raw in configurations if not is_our_portal(raw))
    if found is None:
        _create_configuration(client)
        return PortalReport(unused=unused)
    changed = tuple(_list_differences("features", build_portal()["features"], found["features"]))
    if overwrites and changed:
        body = cast("params.billing_portal.ConfigurationUpdateParams", build_portal())
        with translate_errors():
            client.v1.billing_portal.configurations.update(found["id"], body)
    return PortalReport(changed=changed, unused=unused)


def build_portal() -> params.billing_portal.ConfigurationCreateParams:
    """Return portal settings without seats and plans, which change where members are counted."""
    return {
        "features": {
            "customer_update": {
                "enabled": True,
                "allowed_updates": ["email", "address", "name", "tax_id"],
            },
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "subscription_update": {"enabled": False},
        },
        "metadata": PORTAL_METADATA,
    }


def is_our_portal(raw: Mapping[str, Any]) -> bool:
    """Return whether a portal configuration is the one we made."""
    metadata = raw.get("metadata") or {}
    return all(metadata.get(key) == value for key, value in PORTAL_METADATA.items())


def _list_configurations(client: stripe.StripeClient) -> list[dict[str, Any]]:
    with translate_errors():
        found = client.v1.billing_portal.configurations.list(
            {"active": True, "limit": MAX_CONFIGURATIONS}
        )
    return [entry.to_dict() for entry in found.data]


def _find_ours(configurations: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((raw for raw in configurations if is_our_portal(raw)), None)


def _create_configuration(client: stripe.StripeClient) -> str:
    with translate_errors():
        return client.v1.billing_portal.configurations.create(build_portal()).id


def _describe_other(raw: Mapping[str, Any]) -> str:
    kind = "the default configuration" if raw.get("is_default") else "a configuration"
    return f"{raw['id']}, {kind} that was made by hand, is not used"


def _list_differences(name: str, wanted: object, found: object) -> Iterator[str]:
    """Yield the settings that differ from ours, by their path. Others are left to staff."""
    if isinstance(wanted, Mapping):
        for key, value in wanted.items():
            inner = found.get(key) if isinstance(found, Mapping) else None
            yield from _list_differences(f"{name}.{key}", value, inner)
    elif _sort(wanted) != _sort(found):
        yield f"{name} is {_show(found)} instead of {_show(wanted)}"


def _sort(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


def _show(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(sorted(value)) or "empty"
    return str(value).lower()
