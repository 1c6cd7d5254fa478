"""The profile a person edits, which is ours and not Stytch's."""

from identity.models import User

EDITABLE_FIELDS = frozenset({"name", "avatar_url", "timezone"})


def update_person(user: User, **fields: str) -> User:
    """Change a person's name, picture or time zone, in every organization at once."""
    changed = [
        name for name in EDITABLE_FIELDS & fields.keys() if getattr(user, name) != fields[name]
    ]
    for name in changed:
        setattr(user, name, fields[name])
    if changed:
        user.save(update_fields=[*changed, "updated_at"])
    return user
