"""Whether a feature may be used."""

from rest_framework import serializers

from billing.entitlements.entitlements import Reason
from kit.serializers import StrictSerializer


class FeatureAccessSerializer(StrictSerializer):
    """Whether a feature may be used, with what a front end shows if not."""

    feature_key = serializers.CharField(max_length=64)
    feature_name = serializers.CharField(max_length=128)
    has_access = serializers.BooleanField()
    requires_upgrade = serializers.BooleanField()
    upgrade_prompt = serializers.CharField(allow_null=True, max_length=500)
    reason = serializers.ChoiceField(choices=Reason.choices)
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField(allow_null=True)
    remaining = serializers.IntegerField(allow_null=True)
