"""Invoices of an organization, replicated from the provider."""

from django.conf import settings
from django.db import models

from billing.models.subscriptions import Subscription
from kit.models import Record


class Invoice(Record):
    """A replica of one invoice, so that lists stay fast and last when the provider does not answer."""

    class Status(models.TextChoices):
        """The statuses of an invoice, to which each provider's own are mapped."""

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
    provider = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255)
    number = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16)
    total = models.BigIntegerField()
    tax = models.BigIntegerField(default=0, help_text="The part of the total that is tax.")
    credited = models.BigIntegerField(
        default=0, help_text="What credit notes took off the invoice or gave back."
    )
    amount_due = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    attempts = models.PositiveIntegerField(default=0)
    issued_at = models.DateTimeField()
    hosted_url = models.URLField(max_length=1000, blank=True)
    pdf_url = models.URLField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"], name="invoice_external_id_unique"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-issued_at", "-id"], name="invoice_list")]

    @property
    def subtotal(self) -> int:
        """Return the total without its tax."""
        return self.total - self.tax

    def __str__(self) -> str:
        return self.number or self.external_id
