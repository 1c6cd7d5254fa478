"""Errors that stop the development server at its start."""


class Refusal(Exception):
    """A message for the terminal that says what is wrong and what to do next."""
