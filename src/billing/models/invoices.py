"""Invoices of an organization, replicated from the provider."""

from django.conf import settings
from django.db import models

from billing.models.subscriptions import Subscription
from kit.models import Record


class Invoice(Record):
    """A replica of one invoice, so that lists stay fast and last when Stripe does not answer."""

    class Status(models.TextChoices):
        """Statuses of an invoice at Stripe."""

        DRAFT = "draft"
        OPEN = "open"
        PAID = "paid"
        VOID = "void"
        UNCOLLECTIBLE = "uncollectible"

    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="invoices"
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    external_id = models.CharField(max_length=255, unique=True)
    number = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16)
    total = models.BigIntegerField()
    amount_due = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    attempts = models.PositiveIntegerField(default=0)
    issued_at = models.DateTimeField()
    hosted_url = models.URLField(max_length=1000, blank=True)
    pdf_url = models.URLField(max_length=1000, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-issued_at", "-id"], name="invoice_list")]

    def __str__(self) -> str:
        return self.number or self.external_id
