"""What stops the development server before it has begun."""


class Refusal(Exception):
    """A sentence for the person at the terminal: what is wrong and what to do next."""
