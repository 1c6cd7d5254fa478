"""System checks for sources of webhooks that are not fully configured."""

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's own name

from webhooks.inbound import registry


@register()
def every_source_has_a_secret(**_: object) -> list[CheckMessage]:
    """Report inbound.W001 for a source without secret, whose endpoint answers 404."""
    return [
        Warning(
            f"/webhooks/{source.name} is closed: its webhook secret is not set.",
            hint=f"Set {source.name.upper()}_WEBHOOK_SECRET.",
            id="inbound.W001",
        )
        for source in registry.list_sources()
        if not source.secret()
    ]


@register()
def every_source_knows_its_mode(**_: object) -> list[CheckMessage]:
    """Report inbound.W002 for a source without `livemode`, which would accept test events."""
    return [
        Warning(f"The source {source.name!r} does not say which mode is ours.", id="inbound.W002")
        for source in registry.list_sources()
        if source.livemode is None
    ]
