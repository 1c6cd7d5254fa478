"""Decide which features an organization may use, and why."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from billing.authorization import DeclaredFeature
from billing.entitlements import entitlements, usage
from billing.errors import FeatureNotAvailable
from billing.models import Feature, FeatureOverride, Plan, PlanFeature, Subscription
from billing.statuses import GRACE_PERIOD

KEYS = ("api_clients", "sso", "webhooks")


@pytest.fixture
def features(committed):
    """Create three features for these tests; the free plan contains one `webhooks`."""
    made = {key: Feature.objects.create(key=key, name=key.title()) for key in KEYS}
    free = Plan.objects.get(is_default=True)
    PlanFeature.objects.create(plan=free, feature=made["webhooks"], limit=1)
    yield made
    Feature.objects.filter(key__in=KEYS).delete()


@pytest.fixture
def billing_organization(create_organization, features):
    """Create an organization whose plan contains five API clients."""
    made = create_organization(minimum_seats=1)
    PlanFeature.objects.create(plan=made.price.plan, feature=features["api_clients"], limit=5)
    return made


def get_access(organization, key="api_clients"):
    found = entitlements.get_feature_access(organization.row, key)
    return found.has_access, found.reason


def set_subscription(organization, **fields):
    Subscription.objects.filter(organization=organization.row).update(**fields)


def create_override(organization, key="api_clients", **fields):
    feature = Feature.objects.get(key=key)
    FeatureOverride.objects.create(
        organization=organization.row, feature=feature, reason="because", **fields
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", (True, "plan")),
        ("trialing", (True, "trial")),
        ("past_due", (True, "grace")),
        ("unpaid", (False, "inactive")),
        ("paused", (False, "inactive")),
        ("incomplete", (False, "inactive")),
        ("canceled", (False, "not_in_plan")),
    ],
)
def test_status_decides_whether_the_plan_is_in_force(billing_organization, status, expected):
    billing_organization.subscribe()

    set_subscription(billing_organization, status=status, past_due_since=timezone.now())

    assert get_access(billing_organization) == expected


def test_grace_ends(billing_organization):
    billing_organization.subscribe()

    set_subscription(
        billing_organization, status="past_due", past_due_since=timezone.now() - GRACE_PERIOD
    )

    assert get_access(billing_organization) == (False, "inactive")
    assert get_access(billing_organization, "webhooks") == (True, "plan")  # of the free plan


def test_refusal_says_what_to_do(billing_organization):
    billing_organization.subscribe()
    set_subscription(billing_organization, status="unpaid")
    create_override(billing_organization, "webhooks", is_granted=False)

    found = entitlements.all_features(billing_organization.row)

    advice = {key: (found[key].requires_upgrade, found[key].upgrade_prompt) for key in KEYS}
    assert advice == {
        "api_clients": (True, "Settle the open payment to use Api_Clients again."),
        "sso": (True, "Upgrade the plan to use Sso."),
        "webhooks": (False, None),
    }


def test_free_plan_gives_the_features_without_a_plan(billing_organization):
    assert get_access(billing_organization, "webhooks") == (True, "plan")
    assert get_access(billing_organization, "sso") == (False, "not_in_plan")


def test_override_takes_precedence_over_the_plan(billing_organization):
    create_override(billing_organization, "sso", is_granted=True)
    create_override(billing_organization, "webhooks", is_granted=False)

    assert get_access(billing_organization, "sso") == (True, "override")
    assert get_access(billing_organization, "webhooks") == (False, "override")


def test_override_of_another_organization_changes_nothing(
    billing_organization, create_organization
):
    create_override(create_organization(), "sso")

    assert get_access(billing_organization, "sso") == (False, "not_in_plan")


def test_override_expires(billing_organization):
    create_override(billing_organization, "sso", expires_at=timezone.now() - timedelta(seconds=1))

    assert get_access(billing_organization, "sso") == (False, "not_in_plan")


@pytest.mark.parametrize(("used", "left"), [(0, 5), (4, 1), (5, 0), (9, 0)])
def test_limit_is_measured_by_its_registered_counter(billing_organization, monkeypatch, used, left):
    billing_organization.subscribe()
    monkeypatch.setitem(usage.counters, "api_clients", lambda _: used)

    found = entitlements.get_feature_access(billing_organization.row, "api_clients")

    assert (found.limit, found.used, found.remaining) == (5, used, left)
    assert found.has_access is (left > 0)
    assert found.reason == ("plan" if left else "limit_reached")


def test_access_to_one_feature_counts_no_other(billing_organization, monkeypatch):
    billing_organization.subscribe()
    counted = []
    monkeypatch.setitem(usage.counters, "api_clients", counted.append)

    entitlements.get_feature_access(billing_organization.row, "sso")

    assert counted == []


def test_second_counter_of_one_feature_is_an_error(monkeypatch):
    monkeypatch.setitem(usage.counters, "api_clients", lambda _: 0)

    with pytest.raises(usage.CounterRegisteredTwice):
        usage.register_counter("api_clients")(lambda _: 1)


def test_refusal_contains_the_feature_access(billing_organization, rf):
    class View:
        feature = "sso"

    request = rf.get("/")
    request.auth = SimpleNamespace(organization=billing_organization.row)

    with pytest.raises(FeatureNotAvailable) as refusal:
        DeclaredFeature().has_permission(request, View())

    assert refusal.value.members["feature"]["feature_key"] == "sso"
    assert refusal.value.status == 402


def test_view_without_a_feature_is_permitted(billing_organization, rf):
    request = rf.get("/")
    request.auth = SimpleNamespace(organization=billing_organization.row)

    assert DeclaredFeature().has_permission(request, object())


def test_feature_that_requires_no_plan_is_available_to_all(billing_organization, features):
    Feature.objects.filter(key="sso").update(requires_premium=False)
    assert get_access(billing_organization, "sso") == (True, "plan")

    billing_organization.subscribe()
    set_subscription(billing_organization, status="unpaid")
    assert get_access(billing_organization, "sso") == (True, "plan")

    create_override(billing_organization, "sso", is_granted=False)
    assert get_access(billing_organization, "sso") == (False, "override")
