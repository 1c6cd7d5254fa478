"""Plans with their seat rules, prices and features."""

from dataclasses import replace
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from billing.seat_rules import SeatPolicy
from kit.models import Record


def default_billable_roles() -> list[str]:
    """Return the roles that are paid for by default.

    Viewers are free.
    """
    return ["admin", "member"]


class PlanQuerySet(models.QuerySet["Plan"]):
    """Questions about plans."""

    def public(self) -> Self:
        """Select those anyone may see and buy, in display order."""
        return self.filter(is_public=True).order_by("sort_order", "key")


class Plan(Record):
    """What an organization may agree to, and how its seats are counted and charged."""

    class AdditionPolicy(models.TextChoices):
        """When a seat added within a period is paid."""

        NEXT_INVOICE = "next_invoice"
        INVOICE_NOW = "invoice_now"

    class RemovalPolicy(models.TextChoices):
        """Whether a seat removed within a period is credited."""

        CREDIT = "credit"
        NO_CREDIT = "no_credit"

    class DriftPolicy(models.TextChoices):
        """What to do when the quantity was edited at the provider."""

        CORRECT = "correct"
        REPORT = "report"

    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=128)
    description = models.CharField(max_length=500, blank=True)

    billable_roles = models.JSONField(default=default_billable_roles)
    bills_invitations = models.BooleanField(default=False)
    minimum_seats = models.PositiveIntegerField(default=1)
    maximum_seats = models.PositiveIntegerField(null=True, blank=True)
    addition_policy = models.CharField(
        max_length=16, choices=AdditionPolicy, default=AdditionPolicy.NEXT_INVOICE
    )
    removal_policy = models.CharField(
        max_length=16, choices=RemovalPolicy, default=RemovalPolicy.CREDIT
    )
    drift_policy = models.CharField(max_length=16, choices=DriftPolicy, default=DriftPolicy.CORRECT)
    trial_days = models.PositiveIntegerField(default=0)

    # The plan of an organization without a subscription: what everyone has for nothing.
    is_default = models.BooleanField(default=False)
    is_public = models.BooleanField(default=True)
    sort_order = models.IntegerField(default=0)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(minimum_seats__gte=1), name="plan_minimum_seats"),
            models.CheckConstraint(
                condition=Q(maximum_seats=None) | Q(maximum_seats__gte=models.F("minimum_seats")),
                name="plan_maximum_seats",
            ),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="plan_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def seat_policy(self) -> SeatPolicy:
        """Return the plan's rules for seats."""
        return SeatPolicy(
            minimum=self.minimum_seats,
            maximum=self.maximum_seats,
            invoices_additions_now=self.addition_policy == self.AdditionPolicy.INVOICE_NOW,
            credits_removals=self.removal_policy == self.RemovalPolicy.CREDIT,
            corrects_drift=self.drift_policy == self.DriftPolicy.CORRECT,
        )


class PriceQuerySet(models.QuerySet["Price"]):
    """Questions about prices."""

    def on_sale(self, provider: str) -> Self:
        """Select those a new subscription at this provider may use, current and published."""
        published = ProviderPrice.objects.on_sale().filter(price=OuterRef("pk"), provider=provider)
        return self.filter(Exists(published), is_active=True, usage=Price.Usage.LICENSED)


class Price(Record):
    """An amount per seat and interval.

    A changed amount is a new row; old subscriptions keep theirs.
    """

    class Interval(models.TextChoices):
        """How often it is paid."""

        MONTH = "month"
        YEAR = "year"

    class Usage(models.TextChoices):
        """Whether a quantity is sold, or metered use is reported.

        Only the first are seats.
        """

        LICENSED = "licensed"
        METERED = "metered"

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="prices")
    lookup_key = models.CharField(max_length=200)
    amount = models.PositiveBigIntegerField(help_text="Minor units, per seat and interval.")
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=8, choices=Interval)
    usage = models.CharField(max_length=16, choices=Usage, default=Usage.LICENSED)
    addition_policy = models.CharField(
        max_length=16,
        choices=Plan.AdditionPolicy,
        blank=True,
        help_text="When added seats are paid at this price. Without it the plan decides.",
    )
    is_active = models.BooleanField(default=True)

    objects = PriceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lookup_key"], condition=Q(is_active=True), name="price_lookup_key_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.lookup_key

    @property
    def seat_policy(self) -> SeatPolicy:
        """Return the plan's rules for seats, with the addition policy of this price if it has one."""
        policy = self.plan.seat_policy
        if not self.addition_policy:
            return policy
        is_now = self.addition_policy == Plan.AdditionPolicy.INVOICE_NOW
        return replace(policy, invoices_additions_now=is_now)


class ProviderPriceQuerySet(models.QuerySet["ProviderPrice"]):
    """Questions about prices at providers."""

    def on_sale(self) -> Self:
        """Select those a new subscription may use, current and not archived at the provider."""
        return self.filter(is_active=True, archived_at=None)


class ProviderPrice(Record):
    """A price as one provider sells it.

    A price has one active row per provider. Rows that were replaced stay, so that the seats of
    older subscriptions are still found by them. `archived_at` is set while the provider sells the
    price no longer, because the price or its product was archived or deleted there.
    """

    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="provider_prices")
    provider = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255)
    external_product_id = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ProviderPriceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"], name="provider_price_external_id_unique"
            ),
            models.UniqueConstraint(
                fields=["price", "provider"],
                condition=Q(is_active=True),
                name="provider_price_one_active",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Feature(Record):
    """A capability that a plan may contain."""

    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=128)
    description = models.CharField(max_length=500, blank=True)
    requires_premium = models.BooleanField(
        default=True, help_text="Without it every organization has the feature, under any plan."
    )

    def __str__(self) -> str:
        return self.key


class PlanFeature(Record):
    """A feature within a plan, with the number the plan allows of it, or null for no limit."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="features")
    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="plans")
    limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "feature"], name="plan_feature_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.feature} in {self.plan}"


class FeatureOverrideQuerySet(models.QuerySet["FeatureOverride"]):
    """Questions about overrides."""

    def in_force(self) -> Self:
        """Select those that have not expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


class FeatureOverride(Record):
    """An exception for one organization, stronger than its plan, until a time."""

    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="feature_overrides"
    )
    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="overrides")
    is_granted = models.BooleanField(default=True)
    limit = models.PositiveIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = FeatureOverrideQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "feature"], name="feature_override_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} for {self.organization_id}"
