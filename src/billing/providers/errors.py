"""The failure that only a payment provider with idempotency keys has."""


class KeySpent(Exception):
    """Stripe answered with an error of its own, or with what it once answered: this key is used up.

    Nothing is known about how things are now: look, and use another key. A time-out is not this:
    the same key is then the safe one.
    """
