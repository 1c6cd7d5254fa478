"""An organization's billing profile and its customer at the payment provider."""

from django.conf import settings
from django.db import models

from kit.models import Record


class Provider(models.TextChoices):
    """The payment providers."""

    STRIPE = "stripe"


class Customer(Record):
    """The billing profile of one organization, a replica of its customer at Stripe."""

    class VatStatus(models.TextChoices):
        """The state of the VAT number in the tax register, as the provider reports it."""

        PENDING = "pending"
        VERIFIED = "verified"
        UNVERIFIED = "unverified"
        UNAVAILABLE = "unavailable"

    organization = models.OneToOneField(
        settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="customer"
    )
    provider = models.CharField(max_length=16, choices=Provider, default=Provider.STRIPE)
    stripe_customer_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    # How many customers Stripe has had for us before this one: part of the key that makes the next.
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
    stripe_tax_id = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return self.stripe_customer_id or f"customer of {self.organization_id}"
