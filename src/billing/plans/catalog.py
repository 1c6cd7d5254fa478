"""The catalog of plans, written from `billing.plans.definitions` and published to the provider."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from billing import providers
from billing.models import Feature, Plan, PlanFeature, Price, ProviderPrice
from billing.plans import provider_prices
from billing.plans.definitions import FEATURES, PLANS, PlanSpec, PriceSpec
from billing.providers.types import (
    CatalogPlan,
    CatalogPrice,
    PaymentProvider,
    PortalReport,
    PublishedPrice,
)


@dataclass
class Summary:
    """What a run found and changed at one provider."""

    provider: str
    plans: int = 0
    prices_created: int = 0
    prices_known: int = 0
    portal: PortalReport = field(default_factory=PortalReport)


def write_catalog() -> None:
    """Write the plans of the file to our tables, and keep what staff added."""
    with transaction.atomic():
        for feature in FEATURES:
            Feature.objects.update_or_create(
                key=feature.key,
                defaults={
                    "name": feature.name,
                    "description": feature.description,
                    "requires_premium": feature.requires_premium,
                },
            )
        for order, spec in enumerate(PLANS):
            _seed_plan(spec, order)


def publish_catalog(*, overwrites_portal: bool = False) -> list[Summary]:
    """Sell the plans and prices of our tables at every configured provider.

    Settings of its customer portal that were changed by hand are reported, and kept unless asked.
    """
    with provider_prices.hold_lock():
        return [
            _publish_at(provider, overwrites_portal=overwrites_portal)
            for provider in providers.list_providers()
        ]


def _seed_plan(spec: PlanSpec, order: int) -> None:
    plan, _ = Plan.objects.update_or_create(
        key=spec.key,
        defaults={
            "name": spec.name,
            "description": spec.description,
            "billable_roles": list(spec.billable_roles),
            "minimum_seats": spec.minimum_seats,
            "maximum_seats": spec.maximum_seats,
            "trial_days": spec.trial_days,
            "is_default": spec.is_default,
            "sort_order": order,
        },
    )
    for price in spec.prices:
        _seed_price(plan, price)
    for key, limit in spec.features.items():
        PlanFeature.objects.update_or_create(
            plan=plan, feature=Feature.objects.get(key=key), defaults={"limit": limit}
        )


def _seed_price(plan: Plan, spec: PriceSpec) -> None:
    """Store a price.

    A changed amount is a new row, and the old one keeps its subscriptions. A policy that the file
    does not state is kept.
    """
    current = Price.objects.filter(lookup_key=spec.lookup_key, is_active=True).first()
    wanted = (plan.pk, spec.amount, spec.currency, spec.interval)
    if current is not None:
        if (current.plan_id, current.amount, current.currency, current.interval) == wanted:
            _store_policy(current, spec)
            return
        current.is_active = False
        current.save(update_fields=["is_active", "updated_at"])
    Price.objects.create(
        plan=plan,
        lookup_key=spec.lookup_key,
        amount=spec.amount,
        currency=spec.currency,
        interval=spec.interval,
        addition_policy=spec.addition_policy or (current.addition_policy if current else ""),
    )


def _store_policy(price: Price, spec: PriceSpec) -> None:
    if spec.addition_policy and price.addition_policy != spec.addition_policy:
        price.addition_policy = spec.addition_policy
        price.save(update_fields=["addition_policy", "updated_at"])


def _publish_at(provider: PaymentProvider, *, overwrites_portal: bool) -> Summary:
    prices = list(Price.objects.filter(is_active=True).select_related("plan"))
    published = provider.publish_catalog(_build_plans(prices))
    summary = Summary(provider=provider.display_name)
    summary.portal = provider.sync_portal(overwrites=overwrites_portal)
    for price in prices:
        found = published.get(price.lookup_key)
        if found is None:
            continue
        _store_provider_price(price, provider.key, found)
        summary.prices_created += found.is_new
        summary.prices_known += not found.is_new
    summary.plans = len({price.plan_id for price in prices})
    return summary


def _build_plans(prices: Sequence[Price]) -> list[CatalogPlan]:
    by_plan: dict[Plan, list[CatalogPrice]] = {}
    for price in prices:
        by_plan.setdefault(price.plan, []).append(
            CatalogPrice(
                lookup_key=price.lookup_key,
                amount=price.amount,
                currency=price.currency,
                interval=price.interval,
            )
        )
    return [
        CatalogPlan(
            key=plan.key,
            name=plan.name,
            description=plan.description or plan.name,
            prices=tuple(its_prices),
        )
        for plan, its_prices in by_plan.items()
    ]


def _store_provider_price(price: Price, provider: str, found: PublishedPrice) -> None:
    """Store what the provider sells a price as, and keep what it was sold as before.

    Subscriptions of an archived row keep it: their seats are found by it. A row that is current
    again is used again.
    """
    with transaction.atomic():
        rows = ProviderPrice.objects.filter(provider=provider)
        rows.filter(price=price, is_active=True).exclude(external_id=found.external_id).update(
            is_active=False, updated_at=timezone.now()
        )
        ProviderPrice.objects.update_or_create(
            provider=provider,
            external_id=found.external_id,
            defaults={
                "price": price,
                "external_product_id": found.product_id,
                "is_active": True,
                "archived_at": None,
            },
        )
