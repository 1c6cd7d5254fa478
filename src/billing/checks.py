"""System checks of billing."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from billing import providers


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
