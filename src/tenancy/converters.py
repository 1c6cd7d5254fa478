"""Path converter for an organization's slug or id."""

from django.urls import register_converter


class ReferenceConverter:
    """`organizations/<reference:slug>/…`."""

    regex = "[A-Za-z0-9._~-]{1,128}"

    def to_python(self, value: str) -> str:
        """Return the slug in lower case, in which slugs are compared."""
        return value.lower()

    def to_url(self, value: str) -> str:
        """Return the reference unchanged."""
        return value


register_converter(ReferenceConverter, "reference")
