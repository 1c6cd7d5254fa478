"""Compare a row with a snapshot and copy the fields that differ."""

from django.db.models import Model

Changes = dict[str, tuple[object, object]]


def assign_changed_fields(row: Model, new_values: dict[str, object]) -> Changes:
    """Set the fields of a row that differ, without saving it.

    Returns `{field: (old value, new value)}`.
    """
    changes = {
        field: (getattr(row, field), value)
        for field, value in new_values.items()
        if getattr(row, field) != value
    }
    for field, (_, value) in changes.items():
        setattr(row, field, value)
    return changes
