"""The admin page of the notices that were sent."""

from django.contrib import admin

from billing.admin.base import BillingAdmin
from billing.models import Notice


@admin.register(Notice)
class NoticeAdmin(BillingAdmin):
    """The mails about billing that the mail server accepted, without their addresses."""

    list_display = ("organization", "kind", "recipients", "sent_at")
    list_filter = ("kind", "sent_at")
    search_fields = (*BillingAdmin.search_fields, "=reference")
    ordering = ("-sent_at",)
    fields = ("organization", "kind", "reference", "recipients", "sent_at")
