"""The failure that only a payment provider with idempotency keys has."""


class KeySpent(Exception):
    """An idempotency key is used up, by an error of the provider or by a replayed answer.

    Nothing is known about how things are now: look, and use another key. A time-out is not this:
    the same key is then the safe one.
    """
