"""Seats on the wire.

The state, the ledger and the preview.
"""

from typing import Any, get_args

from rest_framework import serializers

from billing.models import SeatChange
from billing.models.seats import SeatAttempt
from billing.seat_rules import Proration, State
from identity.roles import Role
from kit.actor import ActorKind
from kit.serializers import StrictModelSerializer, StrictSerializer

ACTOR_KINDS = get_args(ActorKind)


class SeatsSerializer(StrictSerializer):
    """Counted by us, targeted by the plan, observed at the payment provider."""

    counted = serializers.IntegerField()
    reserved = serializers.IntegerField()
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True)
    target = serializers.IntegerField()
    provider_quantity = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=State.choices)
    last_synced_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True, max_length=500)
    revision = serializers.IntegerField()


class SeatPreviewSerializer(StrictSerializer):
    """Either so many more seats, or another role for a member."""

    add = serializers.IntegerField(min_value=1, max_value=1_000, required=False)
    member_id = serializers.UUIDField(required=False)
    role = serializers.ChoiceField(choices=Role.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require exactly one of the two questions."""
        if set(attrs) not in ({"add"}, {"member_id", "role"}):
            raise serializers.ValidationError(
                "Send `add`, or `member_id` with `role`.", code="ambiguous"
            )
        return attrs


class SeatCostSerializer(StrictSerializer):
    """Amounts in minor units, from the payment provider's preview or our estimate."""

    current = serializers.IntegerField()
    resulting = serializers.IntegerField()
    amount_due_now = serializers.IntegerField()
    amount_credited_now = serializers.IntegerField(
        help_text="What is credited at once and used by the next invoices."
    )
    amount_next_invoice = serializers.IntegerField(
        help_text="The complete next invoice, less what was credited."
    )
    currency = serializers.CharField(max_length=3)
    proration_date = serializers.DateTimeField(
        allow_null=True, help_text="The moment the costs hold for, or null for an estimate."
    )


class SeatActorSerializer(StrictSerializer):
    """Who changed it."""

    kind = serializers.ChoiceField(choices=ACTOR_KINDS, source="actor_kind")
    id = serializers.CharField(source="actor_id", max_length=128)


class SeatAttemptSerializer(StrictModelSerializer):
    """What was sent to the provider."""

    state = serializers.ChoiceField(choices=SeatAttempt.State.choices)
    proration = serializers.ChoiceField(choices=Proration.choices)
    sent_at = serializers.DateTimeField(source="created_at")
    error = serializers.CharField(allow_blank=True)

    class Meta:
        model = SeatAttempt
        fields = (
            "id", "state", "quantity_before", "quantity", "quantity_returned", "proration",
            "sent_at", "finished_at", "error",
        )  # fmt: skip
        read_only_fields = fields


class SeatChangeSerializer(StrictModelSerializer):
    """One row of the ledger."""

    actor = SeatActorSerializer(source="*")
    reason = serializers.ChoiceField(choices=SeatChange.Reason.choices)
    attempt = SeatAttemptSerializer(allow_null=True)

    class Meta:
        model = SeatChange
        fields = (
            "id", "revision", "reason", "subject_id", "actor", "counted_before", "counted_after",
            "reserved_after", "target", "created_at", "attempt",
        )  # fmt: skip
        read_only_fields = fields
