"""How much of a limited feature is used: slices that can count register a counter by its key."""

from collections.abc import Callable

from tenancy.models import Organization

type Counter = Callable[[Organization], int]

counters: dict[str, Counter] = {}


class AlreadyRegistered(RuntimeError):
    """Two counters of one feature."""


def counts(feature_key: str) -> Callable[[Counter], Counter]:
    """Declare what counts the use of a feature, in the organization's schema."""

    def declare(counter: Counter) -> Counter:
        if feature_key in counters:
            raise AlreadyRegistered(feature_key)
        counters[feature_key] = counter
        return counter

    return declare
