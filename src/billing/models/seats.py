"""The state of seats, the ledger of their changes, and what was sent to the provider."""

from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.subscriptions import Subscription
from billing.seat_rules import Mode, Proration, State
from kit.ids import uuid7
from kit.models import Record


class SeatStateQuerySet(models.QuerySet["SeatState"]):
    """Questions about seat states."""

    def dirty(self) -> Self:
        """Select those whose count has not been settled with the provider since it changed."""
        return self.filter(dirty_since__isnull=False)


class SeatState(Record):
    """The frequently changed columns of one organization's seats, kept out of its own row."""

    organization = models.OneToOneField(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="seats"
    )
    mode = models.CharField(max_length=16, choices=Mode, default=Mode.AUTOMATIC)
    # The number agreed in `manual` mode; without it, what the provider bills is taken as agreed.
    contract_seats = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    # Staff asked for the agreed number to be sent once, in `manual` mode.
    sends_contract = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State, default=State.NONE)
    revision = models.PositiveBigIntegerField(default=0)
    counted = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)
    # What the provider returned last, never what was sent.
    provider_quantity = models.PositiveIntegerField(null=True, blank=True)
    dirty_since = models.DateTimeField(null=True, blank=True)
    drifted_since = models.DateTimeField(null=True, blank=True)
    # What the provider refused: not sent again until something else changes, or someone asks.
    failed_quantity = models.PositiveIntegerField(null=True, blank=True)
    # Until then the provider takes no change: it refused one with "not now".
    held_until = models.DateTimeField(null=True, blank=True)
    # What an admin was shown last, so that the change costs what the screen said.
    previewed_quantity = models.PositiveIntegerField(null=True, blank=True)
    previewed_at = models.DateTimeField(null=True, blank=True)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    objects = SeatStateQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["dirty_since"],
                condition=Q(dirty_since__isnull=False),
                name="seat_state_dirty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.counted} seats, {self.state}"


class SeatChange(models.Model):
    """A row of the ledger.

    Who changed the seats, why, and the numbers.

    Never rewritten.
    """

    class Reason(models.TextChoices):
        """What happened to a member, an invitation or the subscription."""

        MEMBER_ADDED = "member_added"
        MEMBER_REMOVED = "member_removed"
        MEMBER_ROLE_CHANGED = "member_role_changed"
        MEMBER_REACTIVATED = "member_reactivated"
        MEMBER_SUSPENDED = "member_suspended"
        MEMBER_RESTORED = "member_restored"
        INVITATION_CREATED = "invitation_created"
        INVITATION_CLOSED = "invitation_closed"
        SUBSCRIPTION_CHANGED = "subscription_changed"
        QUANTITY_EDITED = "quantity_edited"
        MINIMUM_CHANGED = "minimum_changed"
        RECOUNTED = "recounted"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="seat_changes"
    )
    revision = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=32, choices=Reason)
    subject_id = models.UUIDField(null=True, blank=True, help_text="The member or invitation.")
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=128, blank=True)
    counted_before = models.PositiveIntegerField()
    counted_after = models.PositiveIntegerField()
    reserved_after = models.PositiveIntegerField(default=0)
    target = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-revision"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "revision"], name="seat_change_revision_unique"
            ),
        ]

    # Filled by `ledger.attach_attempts`: what was sent because of it.
    attempt: "SeatAttempt | None" = None

    def __str__(self) -> str:
        return f"{self.reason}: {self.counted_before} → {self.counted_after}"

    @property
    def is_told(self) -> bool:
        """Return whether the provider may have to be updated."""
        reason = self.Reason
        agreement = (reason.SUBSCRIPTION_CHANGED, reason.QUANTITY_EDITED, reason.MINIMUM_CHANGED)
        return self.counted_before != self.counted_after or self.reason in agreement


class SeatAttemptQuerySet(models.QuerySet["SeatAttempt"]):
    """Questions about attempts."""

    def in_flight(self) -> Self:
        """Select those whose outcome is not known yet."""
        return self.filter(state=SeatAttempt.State.IN_FLIGHT)

    def overdue(self) -> Self:
        """Select those in flight whose process must have died, or whose next try is due."""
        return self.in_flight().filter(lease_until__lte=timezone.now())


class SeatAttempt(Record):
    """One change of the quantity at the provider, from the decision to the answer.

    At most one per organization is in flight: the database says so, because a job queue's lock
    does not guarantee it.
    """

    class State(models.TextChoices):
        """How the attempt ended.

        Superseded means that it was not applied and the count had changed.
        """

        IN_FLIGHT = "in_flight"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        SUPERSEDED = "superseded"

    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="seat_attempts"
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="seat_attempts"
    )
    revision = models.PositiveBigIntegerField(help_text="The ledger is covered up to here.")
    state = models.CharField(max_length=16, choices=State, default=State.IN_FLIGHT)
    quantity_before = models.PositiveIntegerField(null=True)
    quantity = models.PositiveIntegerField()
    quantity_returned = models.PositiveIntegerField(null=True, blank=True)
    proration = models.CharField(max_length=16, choices=Proration)
    proration_date = models.DateTimeField(null=True, blank=True)
    # The idempotency key is `{id}:{step}`; a new step only when the provider would replay its error.
    step = models.PositiveIntegerField(default=1)
    calls = models.PositiveIntegerField(default=0)
    # Anyone who works on it holds it until then; afterwards anyone may resume it.
    lease_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = SeatAttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state="in_flight"),
                name="seat_attempt_one_in_flight",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(state="in_flight"), name="seat_attempt_lease"
            ),
            models.Index(fields=["organization", "revision"], name="seat_attempt_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity_before} → {self.quantity}, {self.state}"

    @property
    def key(self) -> str:
        """Return the idempotency key, derived from this row and never from the quantity."""
        return f"{self.pk}:{self.step}"
