"""Print the address, instead of creating the demo organization."""

PEOPLE = {"admin": ()}


def seed_demo(world):
    print(f"created over {world.places.api}")


def create_demo_token(world, role):
    return f"token of the {role}"


def wait_for_webhook(*_, **__):
    """Imported by the tour."""


WAIT_SECONDS = 1
