"""The subscription context on the wire."""

from rest_framework import serializers

from billing.statuses import AccountStatus
from billing.subscriptions.serializers import SubscriptionSerializer
from kit.serializers import StrictSerializer

FOR_BILLING = "Null for those who may not read billing."


class ContextUserSerializer(StrictSerializer):
    """The user with the subscription fields of the organization they act in."""

    id = serializers.UUIDField()
    email = serializers.CharField(max_length=254)
    name = serializers.CharField(max_length=255)
    created_at = serializers.DateTimeField()
    subscription_status = serializers.ChoiceField(choices=AccountStatus.choices)
    subscription_id = serializers.CharField(allow_null=True, max_length=255, help_text=FOR_BILLING)
    customer_id = serializers.CharField(allow_null=True, max_length=255, help_text=FOR_BILLING)
    billing_email = serializers.CharField(allow_null=True, max_length=320, help_text=FOR_BILLING)
    subscription_start_date = serializers.DateTimeField(allow_null=True)
    subscription_end_date = serializers.DateTimeField(allow_null=True)
    plan_id = serializers.CharField(allow_null=True, max_length=64)
    subscription_updated_at = serializers.DateTimeField(allow_null=True)


class ContextOrganizationSerializer(StrictSerializer):
    """The organization, named."""

    id = serializers.UUIDField()
    slug = serializers.CharField(max_length=128)
    name = serializers.CharField(max_length=128)


class SubscriptionContextSerializer(StrictSerializer):
    """One call for a single-page app to know what to show."""

    user = ContextUserSerializer()
    organization = ContextOrganizationSerializer()
    subscription = SubscriptionSerializer()
    is_premium = serializers.BooleanField()
    features = serializers.DictField(child=serializers.BooleanField())
    upgrade_url = serializers.URLField(
        allow_null=True,
        help_text="The front end's billing page, to open in a browser. Null for those who may not "
        "manage billing, and where none is configured.",
    )
    customer_portal_url = serializers.URLField(
        allow_null=True,
        help_text="The same page, once there is a customer at the payment provider.",
    )
