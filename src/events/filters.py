"""What the audit trail can be asked for."""

from datetime import UTC, datetime
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django_filters import CharFilter, FilterSet, IsoDateTimeFilter

from events.models import Event

# A day within what a datetime holds: no time zone moves it out of what PostgreSQL is told.
TIME_VALIDATORS: Final = [
    MinValueValidator(datetime(1, 1, 2, tzinfo=UTC)),
    MaxValueValidator(datetime(9999, 12, 30, tzinfo=UTC)),
]


class EventFilter(FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """By type, by who did it, by what it happened to, and by time."""

    type = CharFilter(max_length=64, help_text="Exactly this event type.")
    actor = CharFilter(field_name="actor_id", max_length=128, help_text="The actor's id.")
    target = CharFilter(field_name="target_id", max_length=128, help_text="The target's id.")
    since = IsoDateTimeFilter(
        field_name="occurred_at",
        lookup_expr="gte",
        validators=TIME_VALIDATORS,
        help_text="At or after this moment.",
    )
    until = IsoDateTimeFilter(
        field_name="occurred_at",
        lookup_expr="lt",
        validators=TIME_VALIDATORS,
        help_text="Before this moment.",
    )

    class Meta:
        model = Event
        fields: list[str] = []
