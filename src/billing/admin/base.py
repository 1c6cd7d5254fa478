"""What the pages of billing share."""

from typing import Any

from kit.admin.base import ReadOnly, state_badge

BY_ORGANIZATION = ("organization__name", "organization__slug", "=organization__id")
HOW_TO_SEARCH = "Part of an organization's name or slug, or a whole id, ours or the provider's."


class BillingAdmin(ReadOnly):
    """Read-only rows of one organization."""

    list_select_related: tuple[str, ...] = ("organization",)
    search_fields: tuple[str, ...] = BY_ORGANIZATION
    search_help_text = HOW_TO_SEARCH
    ordering: tuple[str, ...] = ("-created_at",)
    status_badge = state_badge("status")

    def heading(self, row: Any) -> str:
        """Return the organization's name."""
        return f"{row.organization}: {row}"
