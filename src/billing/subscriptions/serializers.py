"""The agreement, and what is asked of it."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from billing import statuses
from billing.entitlements import entitlements
from billing.models import Subscription
from billing.models.customers import Provider
from billing.plans.serializers import PlanSummarySerializer, PriceSerializer
from billing.seats import snapshot
from billing.statuses import Access
from kit.serializers import StrictSerializer

# Next to Stripe's eight (and those it may add): no subscription at all.
NO_SUBSCRIPTION = "none"


class SubscriptionSerializer(StrictSerializer):
    """The current subscription, with status `none` where there has never been one."""

    id = serializers.UUIDField(allow_null=True)
    provider = serializers.ChoiceField(choices=Provider.choices, allow_null=True)
    plan = PlanSummarySerializer(allow_null=True)
    price = PriceSerializer(allow_null=True)
    status = serializers.CharField(max_length=32, help_text="One of Stripe's statuses, or `none`.")
    is_active = serializers.BooleanField()
    access = serializers.ChoiceField(choices=Access.choices)
    quantity = serializers.IntegerField(allow_null=True)
    current_period_start = serializers.DateTimeField(allow_null=True)
    current_period_end = serializers.DateTimeField(allow_null=True)
    cancel_at_period_end = serializers.BooleanField()
    cancel_at = serializers.DateTimeField(allow_null=True)
    trial_end = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(allow_null=True)


def prepare_subscription(subscription: Subscription | None) -> dict[str, Any]:
    """Return a subscription in the serializer's form, with what follows from its status."""
    if subscription is None:
        return _build_empty()
    fields = (
        "id", "provider", "plan", "price", "status", "is_active", "quantity",
        "current_period_start", "current_period_end", "cancel_at_period_end", "trial_end",
    )  # fmt: skip
    document = {name: getattr(subscription, name) for name in fields}
    document["cancel_at"] = subscription.ends_at
    document["access"] = entitlements.get_access_level(subscription, timezone.now())
    document["grace_until"] = statuses.compute_grace_end(
        subscription.status, subscription.past_due_since
    )
    return dict(SubscriptionSerializer(document).data)


def _build_empty() -> dict[str, Any]:
    document = dict.fromkeys(SubscriptionSerializer().fields)
    document |= {"status": NO_SUBSCRIPTION, "is_active": False, "cancel_at_period_end": False}
    document |= {"access": Access.NONE, "plan": snapshot.default_plan()}
    return dict(SubscriptionSerializer(document).data)


class CheckoutSerializer(StrictSerializer):
    """What to buy, and where the browser goes afterwards. Seats are counted here."""

    price_id = serializers.UUIDField()
    success_url = serializers.CharField(max_length=2_000)
    cancel_url = serializers.CharField(max_length=2_000)


class CheckoutLinkSerializer(StrictSerializer):
    """The payment page."""

    url = serializers.URLField(max_length=4_000)
    expires_at = serializers.DateTimeField()


class PortalSerializer(StrictSerializer):
    """Where the browser comes back to."""

    return_url = serializers.CharField(max_length=2_000)


class PortalLinkSerializer(StrictSerializer):
    """Stripe's pages for this customer, for a few minutes."""

    url = serializers.URLField(max_length=4_000)


class CancellationSerializer(StrictSerializer):
    """When to end, with the paid period, or now with a last invoice."""

    at_period_end = serializers.BooleanField(default=True)


class PlanChangeSerializer(StrictSerializer):
    """The price to move to."""

    price_id = serializers.UUIDField()
