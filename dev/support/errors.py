"""Define the error that stops a command of the development server."""


class Refusal(Exception):
    """Stop a command with a sentence that says what is wrong and what to do next."""
