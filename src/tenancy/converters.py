"""How an organization is written in a path: its slug, or its id."""

from django.urls import register_converter


class ReferenceConverter:
    """`organizations/<reference:slug>/…`."""

    regex = "[A-Za-z0-9._~-]{1,128}"

    def to_python(self, value: str) -> str:
        """Slugs are compared in lower case."""
        return value.lower()

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(ReferenceConverter, "reference")
