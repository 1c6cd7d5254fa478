"""Decide which features an organization has, and why."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import models
from django.utils import timezone

from billing import statuses
from billing.entitlements.usage import counters
from billing.errors import FeatureNotAvailable
from billing.models import Feature, FeatureOverride, Plan, PlanFeature, Subscription
from billing.seats import snapshot
from billing.statuses import Access, Status
from kit.errors import NotFound
from tenancy.models import Organization


class Reason(models.TextChoices):
    """Why a feature is or is not available."""

    PLAN = "plan"
    OVERRIDE = "override"
    TRIAL = "trial"
    GRACE = "grace"
    NOT_IN_PLAN = "not_in_plan"
    LIMIT_REACHED = "limit_reached"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureAccess:
    """Whether a feature may be used, with what a front end shows if not."""

    feature_key: str
    feature_name: str
    has_access: bool
    requires_upgrade: bool
    upgrade_prompt: str | None
    reason: Reason
    limit: int | None = None
    used: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """The plan agreed to, the plan in force, and the reason it is in force."""

    organization: Organization
    subscription: Subscription | None
    agreed: Plan | None
    in_force: Plan
    access: Access
    right: Reason


# By what right a plan in force is, where it is not simply paid for.
REASON_BY_STATUS: Final[dict[str, Reason]] = {
    Status.TRIALING: Reason.TRIAL,
    Status.PAST_DUE: Reason.GRACE,
}


def get_access_level(subscription: Subscription | None, now: datetime) -> Access:
    """Return what the subscription opens now."""
    if subscription is None:
        return Access.NONE
    return statuses.decide_access(
        subscription.status,
        past_due_since=subscription.past_due_since,
        now=now,
        was_active=subscription.is_active,
    )


def get_plan_in_force(organization: Organization) -> PlanInForce:
    """Return the plan in force, the agreed one while it gives full access, else the default."""
    subscription = snapshot.find_subscription(organization)
    agreed = subscription.plan if subscription else None
    opened = get_access_level(subscription, timezone.now())
    is_full = agreed is not None and opened == Access.FULL
    in_force = agreed if agreed is not None and is_full else snapshot.default_plan()
    right = Reason.PLAN
    if is_full and subscription is not None:
        right = REASON_BY_STATUS.get(subscription.status, Reason.PLAN)
    return PlanInForce(organization, subscription, agreed, in_force, opened, right)


def all_features(organization: Organization) -> dict[str, FeatureAccess]:
    """Return every feature by key, with a bounded number of statements."""
    return resolve_features(get_plan_in_force(organization))


def resolve_features(stand: PlanInForce, *, only: str = "") -> dict[str, FeatureAccess]:
    """Return the features under a plan in force.

    With `only`, that one alone is counted.
    """
    plans = [plan.pk for plan in (stand.in_force, stand.agreed) if plan is not None]
    limits = {
        (entry.plan_id, entry.feature_id): entry
        for entry in PlanFeature.objects.filter(plan__in=plans)
    }
    overrides = {
        entry.feature_id: entry
        for entry in FeatureOverride.objects.in_force().filter(organization=stand.organization)
    }
    features = Feature.objects.filter(key=only) if only else Feature.objects.all()
    return {
        feature.key: _decide_access(stand, feature, limits, overrides.get(feature.pk))
        for feature in features.order_by("key")
    }


def get_feature_access(organization: Organization, feature_key: str) -> FeatureAccess:
    """Return one feature.

    Raises NotFound for an unknown key.
    """
    found = resolve_features(get_plan_in_force(organization), only=feature_key)
    if not found:
        raise NotFound
    return found[feature_key]


def require_feature(organization: Organization, feature_key: str) -> None:
    """Refuse what the organization's plan does not include, or of which it has no more.

    Raises FeatureNotAvailable, and NotFound for an unknown key.
    """
    require_access(get_feature_access(organization, feature_key))


def require_limit(organization: Organization, feature_key: str) -> None:
    """Refuse one more of a limited feature. A feature that no catalog has written is unlimited.

    The caller holds the organization's lock, so that two requests do not take the last one.
    """
    found = resolve_features(get_plan_in_force(organization), only=feature_key)
    if feature_key in found:
        require_access(found[feature_key])


def require_access(found: FeatureAccess) -> None:
    """Raise FeatureNotAvailable, with what a front end needs, unless a feature may be used."""
    if not found.has_access:
        raise FeatureNotAvailable(found.upgrade_prompt or "", feature=asdict(found))


def _decide_access(
    stand: PlanInForce,
    feature: Feature,
    limits: dict[tuple[UUID, UUID], PlanFeature],
    override: FeatureOverride | None,
) -> FeatureAccess:
    if override is not None:
        if not override.is_granted:
            return _build_refusal(feature, Reason.OVERRIDE)
        return _within_limit(stand, feature, Reason.OVERRIDE, override.limit)
    entry = limits.get((stand.in_force.pk, feature.pk))
    if entry is not None:
        return _within_limit(stand, feature, stand.right, entry.limit)
    if not feature.requires_premium:
        return _within_limit(stand, feature, Reason.PLAN, None)
    was_agreed = stand.agreed is not None and (stand.agreed.pk, feature.pk) in limits
    return _build_refusal(feature, Reason.INACTIVE if was_agreed else Reason.NOT_IN_PLAN)


def _within_limit(
    stand: PlanInForce, feature: Feature, reason: Reason, limit: int | None
) -> FeatureAccess:
    counter = counters.get(feature.key)
    used = counter(stand.organization) if counter else None
    is_reached = limit is not None and used is not None and used >= limit
    if is_reached:
        reason = Reason.LIMIT_REACHED
    return FeatureAccess(
        feature_key=feature.key,
        feature_name=feature.name,
        has_access=not is_reached,
        requires_upgrade=is_reached,
        upgrade_prompt=f"The plan's limit of {limit} is reached." if is_reached else None,
        reason=reason,
        limit=limit,
        used=used,
        remaining=max(0, limit - used) if limit is not None and used is not None else None,
    )


def _build_refusal(feature: Feature, reason: Reason) -> FeatureAccess:
    prompts = {
        Reason.INACTIVE: f"Settle the open payment to use {feature.name} again.",
        Reason.NOT_IN_PLAN: f"Upgrade the plan to use {feature.name}.",
    }
    return FeatureAccess(
        feature_key=feature.key,
        feature_name=feature.name,
        has_access=False,
        requires_upgrade=reason != Reason.OVERRIDE,
        upgrade_prompt=prompts.get(reason),
        reason=reason,
    )
