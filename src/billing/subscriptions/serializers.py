"""The agreement, and what is asked of it."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from billing import providers, statuses
from billing.entitlements import entitlements
from billing.models import Subscription
from billing.plans.serializers import PlanSummarySerializer, PriceSerializer
from billing.providers.types import PreviewKind
from billing.seats import snapshot
from billing.statuses import Access
from kit.serializers import StrictSerializer

# Next to the statuses of a subscription: no subscription at all.
NO_SUBSCRIPTION = "none"


class CapabilitiesSerializer(StrictSerializer):
    """What the payment provider can do, so that a front end hides what it cannot."""

    previews = serializers.ChoiceField(
        choices=PreviewKind.choices, help_text="Whether previews of costs are exact or an estimate."
    )
    ends_at_once = serializers.BooleanField(
        help_text="Whether a subscription can end before its period does."
    )
    verifies_vat_numbers = serializers.BooleanField(
        help_text="Whether a VAT number is looked up in the tax register."
    )
    stores_address = serializers.BooleanField(
        help_text="Whether the billing address is kept and printed on invoices."
    )


class SubscriptionSerializer(StrictSerializer):
    """The current subscription, with status `none` where there has never been one."""

    id = serializers.UUIDField(allow_null=True)
    provider = serializers.CharField(max_length=32, allow_null=True)
    plan = PlanSummarySerializer(allow_null=True)
    price = PriceSerializer(allow_null=True)
    status = serializers.CharField(
        max_length=32, help_text="A subscription's status, or `none`. A provider may add others."
    )
    is_active = serializers.BooleanField()
    access = serializers.ChoiceField(choices=Access.choices)
    quantity = serializers.IntegerField(allow_null=True)
    current_period_start = serializers.DateTimeField(allow_null=True)
    current_period_end = serializers.DateTimeField(allow_null=True)
    cancel_at_period_end = serializers.BooleanField()
    cancel_at = serializers.DateTimeField(allow_null=True)
    trial_end = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(allow_null=True)
    collection_paused = serializers.BooleanField(
        help_text="Whether invoices are made without being collected, by a decision of staff."
    )
    capabilities = CapabilitiesSerializer()


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
    document["collection_paused"] = subscription.is_collection_paused
    document["access"] = entitlements.get_access_level(subscription, timezone.now())
    document["grace_until"] = statuses.compute_grace_end(
        subscription.status, subscription.past_due_since
    )
    document["capabilities"] = providers.get_capabilities(subscription.provider)
    return dict(SubscriptionSerializer(document).data)


def _build_empty() -> dict[str, Any]:
    document = dict.fromkeys(SubscriptionSerializer().fields)
    document |= {"status": NO_SUBSCRIPTION, "is_active": False, "cancel_at_period_end": False}
    document["collection_paused"] = False
    document |= {"access": Access.NONE, "plan": snapshot.default_plan()}
    document["capabilities"] = providers.get_default_provider().capabilities
    return dict(SubscriptionSerializer(document).data)


class CheckoutSerializer(StrictSerializer):
    """What to buy, and where the browser goes afterwards. Seats are counted here."""

    price_id = serializers.UUIDField()
    success_url = serializers.CharField(max_length=2_000)
    cancel_url = serializers.CharField(max_length=2_000)


class CheckoutLinkSerializer(StrictSerializer):
    """The payment page."""

    url = serializers.URLField(max_length=4_000)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Null where the provider closes no page by itself."
    )


class PortalSerializer(StrictSerializer):
    """Where the browser comes back to."""

    return_url = serializers.CharField(max_length=2_000)


class PortalLinkSerializer(StrictSerializer):
    """The provider's pages for this customer, for a few minutes."""

    url = serializers.URLField(max_length=4_000)


class CancellationSerializer(StrictSerializer):
    """When to end, with the paid period, or now with a last invoice."""

    at_period_end = serializers.BooleanField(default=True)


class PlanChangeSerializer(StrictSerializer):
    """The price to move to."""

    price_id = serializers.UUIDField()
    keep = serializers.BooleanField(
        default=False, help_text="Take back a scheduled end. Without it the change is refused."
    )
