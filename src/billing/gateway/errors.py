"""What only this gateway must say beyond the kit's three ways to fail."""


class KeySpent(Exception):
    """Stripe answered with an error of its own and repeats it for this key: use another next time.

    Nothing is known about the outcome. A time-out is not this: the same key is then the safe one.
    """
