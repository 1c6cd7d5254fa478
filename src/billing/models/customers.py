"""An organization's billing profile and its customer at the payment provider."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from kit.models import Record


class Customer(Record):
    """The billing profile of one organization, a replica of its customer at the provider."""

    class VatStatus(models.TextChoices):
        """The state of the VAT number in the tax register, as the provider reports it."""

        PENDING = "pending"
        VERIFIED = "verified"
        UNVERIFIED = "unverified"
        UNAVAILABLE = "unavailable"

    organization = models.OneToOneField(
        settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="customer"
    )
    # Blank until the first customer is created; kept after one was deleted at the provider.
    provider = models.CharField(max_length=32, blank=True)
    external_id = models.CharField(max_length=255, blank=True)
    # The admin who bought the subscription, the first to be told about payments.
    bought_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The number of earlier customers of this organization, part of the key that creates the next.
    generation = models.PositiveIntegerField(default=0)

    billing_name = models.CharField(max_length=256, blank=True)
    billing_email = models.EmailField(max_length=320, blank=True)
    billing_address_line1 = models.CharField(max_length=256, blank=True)
    billing_address_line2 = models.CharField(max_length=256, blank=True)
    billing_city = models.CharField(max_length=128, blank=True)
    billing_state = models.CharField(max_length=128, blank=True)
    billing_postal_code = models.CharField(max_length=32, blank=True)
    billing_country = models.CharField(max_length=2, blank=True)

    vat_id = models.CharField(max_length=32, blank=True)
    vat_status = models.CharField(max_length=16, choices=VatStatus, blank=True)
    external_tax_id = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"],
                condition=~Q(external_id=""),
                name="customer_external_id_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id or f"customer of {self.organization_id}"
