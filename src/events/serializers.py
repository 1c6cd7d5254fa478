"""Events and event types as callers see them."""

from typing import get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from events.models import Event
from events.registry import Family
from kit.actor import ActorKind
from kit.serializers import StrictModelSerializer, StrictSerializer, WholeListSerializer

ACTOR_KINDS = get_args(ActorKind)
FAMILIES = get_args(Family)


class ActorSerializer(StrictSerializer):
    """The actor of an event, which is a member, a client app, a vendor, staff or the system."""

    kind = serializers.ChoiceField(choices=ACTOR_KINDS, source="actor_kind")
    id = serializers.CharField(source="actor_id", max_length=128)
    name = serializers.CharField(source="actor_name", allow_null=True, max_length=256)


class TargetSerializer(StrictSerializer):
    """What it happened to."""

    type = serializers.CharField(source="target_type", max_length=32)
    id = serializers.CharField(source="target_id", max_length=128)
    name = serializers.CharField(source="target_name", allow_null=True, max_length=256)


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {}, "minItems": 2, "maxItems": 2},
        "description": "Each changed field with its value before and after.",
    }
)
class ChangesField(serializers.JSONField):
    """Serialize changes as `{field: [before, after]}`."""


@extend_schema_field({"type": "object", "additionalProperties": True})
class DetailsField(serializers.JSONField):
    """What a type of event adds."""


class EventSerializer(StrictModelSerializer):
    """An event of the audit trail, with who changed what and when."""

    actor = ActorSerializer(source="*", read_only=True)
    target = TargetSerializer(source="*", read_only=True)
    changes = ChangesField(read_only=True)
    details = DetailsField(read_only=True)

    class Meta:
        model = Event
        fields = (
            "id", "type", "occurred_at", "actor", "target", "changes", "details",
            "ip", "user_agent", "request_id",
        )  # fmt: skip
        read_only_fields = fields


class EventTypeSerializer(StrictSerializer):
    """A type of event, by which the audit log is filtered and webhooks are subscribed."""

    name = serializers.CharField(max_length=64)
    family = serializers.ChoiceField(choices=FAMILIES)
    description = serializers.CharField(max_length=256)
    target = serializers.CharField(max_length=32)


class EventTypePageSerializer(WholeListSerializer):
    """All of them."""

    results = EventTypeSerializer(many=True)
