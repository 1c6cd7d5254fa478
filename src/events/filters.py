"""What the audit trail can be asked for."""

from django_filters import CharFilter, FilterSet, IsoDateTimeFilter

from events.models import Event


class EventFilter(FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """By type, by who did it, by what it happened to, and by time."""

    type = CharFilter(max_length=64, help_text="Exactly this event type.")
    actor = CharFilter(field_name="actor_id", max_length=128, help_text="The actor's id.")
    target = CharFilter(field_name="target_id", max_length=128, help_text="The target's id.")
    since = IsoDateTimeFilter(
        field_name="occurred_at", lookup_expr="gte", help_text="At or after this moment."
    )
    until = IsoDateTimeFilter(
        field_name="occurred_at", lookup_expr="lt", help_text="Before this moment."
    )

    class Meta:
        model = Event
        fields: list[str] = []
