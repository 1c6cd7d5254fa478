"""The catalog of plans, written from `billing.plans.definitions` and published to the provider."""

from dataclasses import dataclass

from django.db import transaction

from billing import providers
from billing.models import Feature, Plan, PlanFeature, Price
from billing.plans.definitions import FEATURES, PLANS, PlanSpec, PriceSpec
from billing.providers.types import PriceSnapshot
from kit import locks
from kit.ids import uuid7


@dataclass
class Summary:
    """What a run changed."""

    plans: int = 0
    prices_created: int = 0
    prices_known: int = 0


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


def publish_catalog() -> Summary:
    """Publish the plans and prices of our tables, found by lookup key."""
    summary = Summary()
    with locks.hold_object("billing.catalog"):
        providers.get_provider().configure_portal()
        for plan in Plan.objects.filter(prices__is_active=True).distinct():
            _publish_product(plan)
            summary.plans += 1
        _publish_prices(summary)
    return summary


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

    A changed amount is a new row, and the old one keeps its subscriptions.
    """
    current = Price.objects.filter(lookup_key=spec.lookup_key, is_active=True).first()
    wanted = (plan.pk, spec.amount, spec.currency, spec.interval)
    if current is not None:
        if (current.plan_id, current.amount, current.currency, current.interval) == wanted:
            return
        current.is_active = False
        current.save(update_fields=["is_active", "updated_at"])
    Price.objects.create(
        plan=plan,
        lookup_key=spec.lookup_key,
        amount=spec.amount,
        currency=spec.currency,
        interval=spec.interval,
    )


def _publish_product(plan: Plan) -> None:
    product_id = plan.stripe_product_id or f"tenantry_{plan.key}"
    providers.get_provider().save_product(
        product_id, name=plan.name, description=plan.description or plan.name
    )
    if plan.stripe_product_id is None:
        plan.stripe_product_id = product_id
        plan.save(update_fields=["stripe_product_id", "updated_at"])


def _publish_prices(summary: Summary) -> None:
    prices = list(Price.objects.filter(is_active=True).select_related("plan"))
    known = providers.get_provider().fetch_prices([price.lookup_key for price in prices])
    for price in prices:
        price.refresh_from_db()
        if not price.is_active:  # replaced by an earlier one of this very run
            continue
        found = known.get(price.lookup_key)
        if found is None or not _is_same_price(price, found):
            found = _create_price(price)
            summary.prices_created += 1
        else:
            summary.prices_known += 1
        if price.stripe_price_id != found.external_id:
            _store_provider_price(price, found)


def _store_provider_price(price: Price, found: PriceSnapshot) -> None:
    """Store the provider's price.

    One that replaces another is a row of its own.

    Subscriptions of a price that was archived at Stripe keep it: their seats are found by it. One
    that was archived and is current again is sold by the row it has had since.
    """
    former = Price.objects.filter(stripe_price_id=found.external_id).first()
    if former is not None:
        _reactivate_price(former, instead_of=price)
        return
    if price.stripe_price_id is None:
        price.stripe_price_id = found.external_id
        price.save(update_fields=["stripe_price_id", "updated_at"])
        return
    with transaction.atomic():
        price.is_active = False
        price.save(update_fields=["is_active", "updated_at"])
        Price.objects.create(
            plan=price.plan,
            lookup_key=price.lookup_key,
            amount=price.amount,
            currency=price.currency,
            interval=price.interval,
            usage=price.usage,
            stripe_price_id=found.external_id,
        )


def _reactivate_price(former: Price, *, instead_of: Price) -> None:
    """Sell an archived price again, under the lookup key of the one it replaces."""
    with transaction.atomic():
        instead_of.is_active = False
        instead_of.save(update_fields=["is_active", "updated_at"])
        former.is_active, former.lookup_key = True, instead_of.lookup_key
        former.save(update_fields=["is_active", "lookup_key", "updated_at"])


def _is_same_price(price: Price, found: PriceSnapshot) -> bool:
    ours = (price.amount, price.currency, price.interval, price.plan.stripe_product_id)
    return ours == (found.amount, found.currency, found.interval, found.product_id)


def _create_price(price: Price) -> PriceSnapshot:
    return providers.get_provider().create_price(
        PriceSnapshot(
            external_id="",
            product_id=price.plan.stripe_product_id or "",
            lookup_key=price.lookup_key,
            amount=price.amount,
            currency=price.currency,
            interval=price.interval,
        ),
        # Found by its lookup key if the answer is lost; an error of Stripe's must not stay for a day.
        key=f"price:{uuid7()}",
    )
