"""What stops the development server before it has begun."""


class Refusal(Exception):  # noqa: N818  named for what it tells, not for what it is
    """A sentence for the person at the terminal: what is wrong and what to do next."""
