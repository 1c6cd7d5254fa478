"""Stands in for the demo organization."""

PEOPLE = {"admin": ()}


def plant(world):
    print(f"planted over {world.places.api}")


def token(world, role):
    return f"token of the {role}"


def wait_for(*_, **__):
    """Imported by the tour."""


WAIT_SECONDS = 1
