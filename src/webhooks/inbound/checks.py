"""System checks: a vendor we cannot hear is said aloud, before an event is missed."""

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's own name

from webhooks.inbound import registry


@register()
def every_source_has_a_secret(**_: object) -> list[CheckMessage]:
    """inbound.W001: without its secret a source answers 404, and nothing it tells arrives."""
    return [
        Warning(
            f"/webhooks/{source.name} is closed: its webhook secret is not set.",
            hint=f"Set {source.name.upper()}_WEBHOOK_SECRET.",
            id="inbound.W001",
        )
        for source in registry.sources()
        if not source.secret()
    ]


@register()
def every_source_knows_its_mode(**_: object) -> list[CheckMessage]:
    """inbound.W002: without `livemode`, test events would act on live data."""
    return [
        Warning(f"The source {source.name!r} does not say which mode is ours.", id="inbound.W002")
        for source in registry.sources()
        if source.livemode is None
    ]
