"""The admin page of the notices that were sent."""

from django.contrib import admin

from billing.admin.base import BillingAdmin
from billing.models import Notice


@admin.register(Notice)
class NoticeAdmin(BillingAdmin):
    """The notices about billing, with how many mails the mail server accepted, without addresses."""

    list_display = ("organization", "kind", "recipients", "created_at", "sent_at")
    list_filter = ("kind", "created_at", ("sent_at", admin.EmptyFieldListFilter))
    search_fields = (*BillingAdmin.search_fields, "=reference")
    ordering = ("-created_at",)
    fields = ("organization", "kind", "reference", "recipients", "created_at", "sent_at")
