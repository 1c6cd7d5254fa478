"""Payment pages that were opened for an organization."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.plans import Price
from kit.models import Record


class CheckoutQuerySet(models.QuerySet["Checkout"]):
    """Questions about payment pages."""

    def open(self) -> Self:
        """Select those that may still be paid, also ones whose creation was not confirmed."""
        return self.filter(state__in=(Checkout.State.CREATING, Checkout.State.OPEN))

    def unconfirmed(self) -> Self:
        """Select those whose creation was not confirmed."""
        return self.filter(state=Checkout.State.CREATING)


class Checkout(Record):
    """One payment page, stored before the provider is asked for it.

    Its id travels to the provider and comes back with the subscription, which therefore belongs to
    this organization, regardless of who pays.
    """

    class State(models.TextChoices):
        """Where the page stands."""

        CREATING = "creating"
        OPEN = "open"
        PAID = "paid"
        CLOSED = "closed"

    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="checkouts"
    )
    provider = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.CREATING)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="checkouts")
    quantity = models.PositiveIntegerField()
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    url = models.URLField(max_length=2000, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = CheckoutQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"],
                condition=~Q(external_id=""),
                name="checkout_external_id_unique",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state"], name="checkout_state")]

    def __str__(self) -> str:
        return self.external_id or str(self.pk)
