"""Which features an organization has, and why."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.authorization import DeclaredFeature
from billing.entitlements import entitlements, usage
from billing.errors import FeatureNotAvailable
from billing.models import Feature, FeatureOverride, Plan, PlanFeature, Subscription
from billing.statuses import GRACE_PERIOD


@pytest.fixture
def features(committed):
    """Three features that only these tests sell; the free plan contains one of `webhooks`."""
    keys = ("api_clients", "sso", "webhooks")
    made = {key: Feature.objects.create(key=key, name=key.title()) for key in keys}
    free = Plan.objects.get(is_default=True)
    PlanFeature.objects.create(plan=free, feature=made["webhooks"], limit=1)
    yield made
    Feature.objects.filter(key__in=keys).delete()


@pytest.fixture
def acme(firm, features):
    """A firm whose plan contains API clients, five of them."""
    made = firm(minimum_seats=1)
    PlanFeature.objects.create(plan=made.price.plan, feature=features["api_clients"], limit=5)
    return made


def answer(firm, key="api_clients"):
    found = entitlements.get_feature_access(firm.organization, key)
    return found.has_access, found.reason


def put(firm, **fields):
    Subscription.objects.filter(organization=firm.organization).update(**fields)


def override(firm, key="api_clients", **fields):
    feature = Feature.objects.get(key=key)
    FeatureOverride.objects.create(
        organization=firm.organization, feature=feature, reason="because", **fields
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
def test_status_decides_whether_the_plan_is_in_force(acme, status, expected):
    acme.subscribe()

    put(acme, status=status, past_due_since=timezone.now())

    assert answer(acme) == expected


def test_grace_runs_out(acme):
    acme.subscribe()

    put(acme, status="past_due", past_due_since=timezone.now() - GRACE_PERIOD)

    assert answer(acme) == (False, "inactive")


def test_free_plan_gives_the_features_without_a_plan(acme):
    assert answer(acme, "webhooks") == (True, "plan")
    assert answer(acme, "sso") == (False, "not_in_plan")


def test_override_is_stronger_than_the_plan(acme):
    override(acme, "sso", is_granted=True)
    override(acme, "webhooks", is_granted=False)

    assert answer(acme, "sso") == (True, "override")
    assert answer(acme, "webhooks") == (False, "override")


def test_override_ends_with_its_time(acme):
    override(acme, "sso", expires_at=timezone.now() - timedelta(seconds=1))

    assert answer(acme, "sso") == (False, "not_in_plan")


@pytest.mark.parametrize(("used", "left"), [(0, 5), (4, 1), (5, 0), (9, 0)])
def test_limit_is_measured_by_its_registered_counter(acme, monkeypatch, used, left):
    acme.subscribe()
    monkeypatch.setitem(usage.counters, "api_clients", lambda _: used)

    found = entitlements.get_feature_access(acme.organization, "api_clients")

    assert (found.limit, found.used, found.remaining) == (5, used, left)
    assert found.has_access is (left > 0)
    assert found.reason == ("plan" if left else "limit_reached")


def test_asking_for_one_feature_counts_no_other(acme, monkeypatch):
    acme.subscribe()
    counted = []
    monkeypatch.setitem(usage.counters, "api_clients", counted.append)

    entitlements.get_feature_access(acme.organization, "sso")

    assert counted == []


def test_two_counters_of_one_feature_are_a_mistake(monkeypatch):
    monkeypatch.setitem(usage.counters, "api_clients", lambda _: 0)

    with pytest.raises(usage.CounterRegisteredTwice):
        usage.register_counter("api_clients")(lambda _: 1)


def test_gate_refuses_with_everything_a_front_end_needs(acme, rf):
    class View:
        feature = "sso"

    request = rf.get("/")
    request.auth = acme

    with pytest.raises(FeatureNotAvailable) as refusal:
        DeclaredFeature().has_permission(request, View())

    assert refusal.value.members["feature"]["feature_key"] == "sso"
    assert refusal.value.status == 402


def test_view_without_a_feature_passes(acme, rf):
    request = rf.get("/")
    request.auth = acme

    assert DeclaredFeature().has_permission(request, object())
