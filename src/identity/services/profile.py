"""What a person says about themselves; it is ours, not Stytch's."""

from identity.models import User

EDITABLE = frozenset({"name", "avatar_url", "timezone"})


def update(user: User, **fields: str) -> User:
    """Change a person's name, picture or time zone, in every organization at once."""
    changed = [name for name in EDITABLE & fields.keys() if getattr(user, name) != fields[name]]
    for name in changed:
        setattr(user, name, fields[name])
    if changed:
        user.save(update_fields=[*changed, "updated_at"])
    return user
