"""An organization's subscriptions, past and present, at most one of them live."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.plans import Plan, Price
from billing.statuses import ENDED_STATUSES, SeatItem
from kit.models import Record


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Questions about subscriptions."""

    def live(self) -> Self:
        """Select those that have not ended, without surplus ones."""
        return self.exclude(status__in=ENDED_STATUSES).filter(is_surplus=False)


class Subscription(Record):
    """An organization's subscription to a plan, replicated from the provider.

    `organization.subscription` is the current one: the live one, or the last that was.
    """

    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.PROTECT, related_name="subscriptions"
    )
    current_for = models.OneToOneField(
        settings.TENANT_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="subscription",
    )
    provider = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255)
    price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, blank=True, related_name="subscriptions"
    )
    external_price_id = models.CharField(max_length=255, blank=True)
    external_item_id = models.CharField(max_length=255, blank=True)
    seat_item = models.CharField(max_length=8, choices=SeatItem, default=SeatItem.MISSING)

    status = models.CharField(max_length=32)
    is_active = models.BooleanField(default=False)
    quantity = models.PositiveIntegerField(null=True, blank=True)
    # The most seats charged in the current period and not credited: up to it, more cost nothing.
    paid_seats = models.PositiveIntegerField(null=True, blank=True)
    # An edit at the provider that staff adopted: at least so many seats are billed.
    purchased_seats = models.PositiveIntegerField(null=True, blank=True)
    current_period_start = models.DateTimeField(null=True, blank=True)
    current_period_end = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    cancel_at = models.DateTimeField(null=True, blank=True)
    # Invoices are made and not collected, by a decision at the provider; the status stays.
    is_collection_paused = models.BooleanField(default=False)
    trial_end = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(help_text="When it was created at the provider.")
    ended_at = models.DateTimeField(null=True, blank=True)
    active_since = models.DateTimeField(null=True, blank=True)
    inactive_since = models.DateTimeField(null=True, blank=True)
    # Grace runs from the first failure; later failures of the same trouble do not extend it.
    past_due_since = models.DateTimeField(null=True, blank=True)
    # A second live one that was created at the provider: reported, never followed, ended by staff.
    is_surplus = models.BooleanField(default=False)
    # Since then the provider does not know it: another account, or deleted test data.
    missing_since = models.DateTimeField(null=True, blank=True)
    pulled_at = models.DateTimeField()

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"], name="subscription_external_id_unique"
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=~Q(status__in=["canceled", "incomplete_expired"]) & Q(is_surplus=False),
                name="subscription_one_live",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def has_ended(self) -> bool:
        """Return whether it has ended for good."""
        return self.status in ENDED_STATUSES

    @property
    def is_ending(self) -> bool:
        """Return whether its end is scheduled.

        The portal may set a date without the flag.
        """
        return self.cancel_at_period_end or self.cancel_at is not None

    @property
    def is_behind(self) -> bool:
        """Return whether its period is over, so that the provider must have changed it."""
        return self.current_period_end is not None and self.current_period_end <= timezone.now()

    @property
    def ends_at(self) -> datetime | None:
        """Return when it will end, if that is decided."""
        return self.cancel_at or (self.current_period_end if self.cancel_at_period_end else None)

    @property
    def plan(self) -> Plan | None:
        """Return the plan of its price, or None for a price that is not ours."""
        return self.price.plan if self.price else None
