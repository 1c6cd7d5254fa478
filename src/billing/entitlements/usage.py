"""Count the use of limited features, by a counter that an app registers."""

from collections.abc import Callable

from tenancy.models import Organization

type Counter = Callable[[Organization], int]

counters: dict[str, Counter] = {}


def is_counted(feature_key: str) -> bool:
    """Return whether the use of a feature is counted, without which it cannot be limited."""
    return feature_key in counters


class CounterRegisteredTwice(RuntimeError):
    """Two counters of one feature."""


def register_counter(feature_key: str) -> Callable[[Counter], Counter]:
    """Declare what counts the use of a feature, in the organization's schema."""

    def declare(counter: Counter) -> Counter:
        if feature_key in counters:
            raise CounterRegisteredTwice(feature_key)
        counters[feature_key] = counter
        return counter

    return declare
