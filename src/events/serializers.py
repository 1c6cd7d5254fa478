"""Events and event types as callers see them."""

from rest_framework import serializers

from events.models import Event
from kit.serializers import StrictSerializer


class ActorSerializer(StrictSerializer):
    """Who did it."""

    kind = serializers.CharField(
        source="actor_kind", help_text="member, client, vendor, operator, system"
    )
    id = serializers.CharField(source="actor_id")
    name = serializers.CharField(source="actor_name", allow_null=True)


class TargetSerializer(StrictSerializer):
    """What it happened to."""

    type = serializers.CharField(source="target_type")
    id = serializers.CharField(source="target_id")
    name = serializers.CharField(source="target_name", allow_null=True)


class ChangesField(serializers.JSONField):
    """`{field: [before, after]}`."""


class EventSerializer(serializers.ModelSerializer[Event]):
    """One change."""

    actor = ActorSerializer(source="*", read_only=True)
    target = TargetSerializer(source="*", read_only=True)
    changes = ChangesField(read_only=True)
    details = serializers.DictField(read_only=True)

    class Meta:
        model = Event
        fields = (
            "id", "type", "occurred_at", "actor", "target", "changes", "details",
            "ip", "user_agent", "request_id",
        )  # fmt: skip
        read_only_fields = fields


class EventTypeSerializer(StrictSerializer):
    """A kind of change, to filter by and, for client apps, to subscribe to."""

    name = serializers.CharField()
    family = serializers.ChoiceField(choices=["auth", "subscription", "app"])
    description = serializers.CharField()
    target = serializers.CharField()
