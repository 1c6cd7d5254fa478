"""What the pages of billing share: each row is an organization's, amounts are minor units."""

from typing import Any

from kit.admin.base import ReadOnly, badge

BY_ORGANIZATION = ("organization__name", "organization__slug", "=organization__id")
HOW_TO_SEARCH = "Part of an organization's name or slug, or a whole id, ours or Stripe's."


def money(amount: int, currency: str) -> str:
    """Minor units as people write them."""
    return f"{amount / 100:,.2f} {currency.upper()}"


class Paid(ReadOnly):
    """Rows that Stripe told us, each of one organization."""

    list_select_related: tuple[str, ...] = ("organization",)
    search_fields: tuple[str, ...] = BY_ORGANIZATION
    search_help_text = HOW_TO_SEARCH
    ordering: tuple[str, ...] = ("-created_at",)
    standing = badge("status")

    def heading(self, row: Any) -> str:
        """Whose it is."""
        return f"{row.organization}: {row}"
