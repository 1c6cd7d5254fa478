"""What is sold, as anyone may see it."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.models import Plan, Price
from kit.serializers import StrictModelSerializer, StrictSerializer


class PriceSerializer(StrictModelSerializer):
    """An amount in minor units per seat and interval."""

    interval = serializers.ChoiceField(choices=Price.Interval.choices)

    class Meta:
        model = Price
        fields = ("id", "lookup_key", "amount", "currency", "interval")
        read_only_fields = fields


class PlanFeatureSerializer(StrictSerializer):
    """A feature of a plan, with its limit, or null for none."""

    feature_key = serializers.CharField(source="feature.key", max_length=64)
    feature_name = serializers.CharField(source="feature.name", max_length=128)
    limit = serializers.IntegerField(allow_null=True)


class PlanSerializer(StrictModelSerializer):
    """A plan with the prices it can be bought at, and what is in it."""

    prices = serializers.SerializerMethodField()
    features = PlanFeatureSerializer(many=True)
    billable_roles = serializers.ListField(child=serializers.CharField(max_length=16))

    class Meta:
        model = Plan
        fields = (
            "id", "key", "name", "description", "billable_roles", "minimum_seats",
            "maximum_seats", "trial_days", "prices", "features",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(PriceSerializer(many=True))
    def get_prices(self, plan: Plan) -> object:
        """Return the prices on sale, which were prefetched."""
        return PriceSerializer(plan.prices.all(), many=True).data


class PlanSummarySerializer(StrictModelSerializer):
    """A plan, named."""

    class Meta:
        model = Plan
        fields = ("id", "key", "name")
        read_only_fields = fields
