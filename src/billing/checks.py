"""System checks of billing."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from billing import providers
from billing.entitlements import usage
from billing.plans import definitions


@register()
def every_provider_is_known(**_: object) -> list[CheckMessage]:
    """Report billing.E001 for an empty list of providers, or a name that has no package."""
    unknown = [name for name in settings.BILLING_PROVIDERS if name not in providers.PACKAGES]
    if settings.BILLING_PROVIDERS and not unknown:
        return []
    return [
        Error(
            f"BILLING_PROVIDERS is {', '.join(settings.BILLING_PROVIDERS) or 'empty'}.",
            hint=f"Name at least one of: {', '.join(sorted(providers.PACKAGES))}.",
            id="billing.E001",
        )
    ]


@register()
def every_limit_is_counted(**_: object) -> list[CheckMessage]:
    """Report billing.E002 for each limit of the catalog whose use nothing counts."""
    return [
        Error(
            f"The plan {plan.key} limits {key}, which nothing counts.",
            hint="Register a counter with billing.entitlements.usage.register_counter.",
            id="billing.E002",
        )
        for plan in definitions.PLANS
        for key, limit in plan.features.items()
        if limit is not None and not usage.is_counted(key)
    ]
