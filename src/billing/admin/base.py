"""What the pages of billing share."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

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

    @admin.display(description="billing")
    def billing_page(self, row: Any) -> SafeString:
        """Return a link to the comparison of the organization's billing with the provider."""
        page = reverse("admin:billing_organizationbilling_change", args=[row.organization_id])
        text = "Compare with the provider"
        return format_html('<a href="{}" class="text-primary-600">{}</a>', page, text)

    def heading(self, row: Any) -> str:
        """Return the organization's name."""
        return f"{row.organization}: {row}"
