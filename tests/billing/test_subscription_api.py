"""Buy, read and change a subscription over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Plan
from events.models import Event
from kit.ids import uuid7
from tenancy import routing
from tenancy.models import Organization
from tests.billing.api_calls import find_price_id
from tests.billing.support import build_stripe_client, create_plan_price
from tests.harness.plugin import SANDBOX_URL
from tests.harness.stack import poll

LANDING = f"{SANDBOX_URL}/landing"


ANY, ADMIN = ("admin", "member", "viewer"), ("admin",)


URLS = {"success_url": LANDING, "cancel_url": LANDING}


def test_plans_are_public(api):
    plans = api.get("/v1/plans").json()["results"]

    assert [plan["key"] for plan in plans] == ["team", "business", "free"]
    assert [one["amount"] for one in plans[0]["prices"]] == [1_200, 12_000]
    history = {"feature_key": "audit_history", "feature_name": "Full audit trail", "limit": None}
    assert [history in plan["features"] for plan in plans] == [True, True, False]
    assert plans[0]["billable_roles"] == ["admin", "member"]


@pytest.mark.parametrize("role", ANY)
def test_organization_without_subscription_is_on_the_free_plan(api, acme, role):
    shown = api.get(f"{acme.path}/billing/subscription", token=acme.token(role)).json()

    assert (shown["status"], shown["access"], shown["is_active"]) == ("none", "none", False)
    assert shown["plan"]["key"] == "free"


def test_purchase_gives_full_access_and_a_second_one_is_refused(api, subscribed_acme):
    admin = subscribed_acme.token("admin")
    shown = api.get(f"{subscribed_acme.path}/billing/subscription", token=admin).json()
    again = api.post(
        f"{subscribed_acme.path}/billing/checkout",
        token=admin,
        json={"price_id": find_price_id(api), **URLS},
    )

    assert (shown["status"], shown["access"], shown["quantity"]) == ("active", "full", 2)
    assert (shown["plan"]["key"], shown["price"]["amount"]) == ("team", 1_200)
    assert shown["current_period_end"] > shown["current_period_start"]
    assert (again.status_code, again.json()["code"]) == (409, "subscription_exists")


def test_subscription_can_be_changed_cancelled_and_resumed(api, subscribed_organization):
    def change(verb, **body):
        path = f"{subscribed_organization.path}/billing/subscription/{verb}"
        return api.post(path, token=subscribed_organization.token("admin"), json=body).json()

    changed = change("change", price_id=find_price_id(api, "team_yearly"))
    assert (changed["price"]["interval"], changed["quantity"]) == ("year", 2)
    assert change("cancel")["cancel_at_period_end"]
    assert not change("resume")["cancel_at_period_end"]
    ended = change("cancel", at_period_end=False)
    assert (ended["status"], ended["access"]) == ("canceled", "none")


def test_portal_link_leads_to_stripe(api, acme):
    answer = api.post(
        f"{acme.path}/billing/portal", token=acme.token("admin"), json={"return_url": LANDING}
    )

    assert answer.status_code == 201
    assert "/portal/" in answer.json()["url"]


def test_invoices_are_listed_with_their_links(api, wait_until_settled, subscribed_acme):
    wait_until_settled()

    page = api.get(
        f"{subscribed_acme.path}/billing/invoices", token=subscribed_acme.token("admin")
    ).json()

    (invoice,) = page["results"]
    assert (invoice["status"], invoice["total"], invoice["currency"]) == ("paid", 2_400, "usd")
    assert invoice["number"]
    assert invoice["hosted_url"].startswith("http")


def test_features_have_reasons(api, acme, subscribed_acme):
    free = api.get(f"{acme.path}/features", token=acme.token("viewer")).json()
    paid = api.get(f"{subscribed_acme.path}/features", token=subscribed_acme.token("viewer")).json()

    refused, granted = free["audit_history"], paid["audit_history"]
    assert (refused["has_access"], refused["reason"]) == (False, "not_in_plan")
    assert (refused["requires_upgrade"], bool(refused["upgrade_prompt"])) == (True, True)
    assert (granted["has_access"], granted["reason"], granted["limit"]) == (True, "plan", None)


def test_events_older_than_thirty_days_need_the_feature(api, acme, subscribed_acme, committed):
    old = timezone.now() - timedelta(days=40)

    def create_old_event(organization):
        with routing.activate(Organization.objects.get(pk=organization.id)):
            event = Event.objects.order_by("occurred_at").first()
            event.pk, event.occurred_at = uuid7(), old
            event.save(force_insert=True)
        return str(event.pk)

    def read(organization, path, **params):
        return api.get(
            f"{organization.path}/events{path}", token=organization.token("admin"), params=params
        )

    free, paid = create_old_event(acme), create_old_event(subscribed_acme)
    since = {"since": (old - timedelta(days=1)).isoformat(), "limit": 200}

    for refused in (read(acme, "", **since), read(acme, f"/{free}")):
        assert (refused.status_code, refused.json()["code"]) == (402, "feature_not_available")
        assert refused.json()["feature"]["feature_key"] == "audit_history"
    assert free not in [event["id"] for event in read(acme, "", limit=200).json()["results"]]
    listed = read(subscribed_acme, "", **since).json()["results"]
    assert paid in [event["id"] for event in listed]
    assert read(subscribed_acme, f"/{paid}").status_code == 200


def test_context_contains_user_subscription_and_features(api, subscribed_acme):
    context = api.get(
        f"{subscribed_acme.path}/subscription-context", token=subscribed_acme.token("member")
    ).json()

    assert context["user"]["email"] == subscribed_acme.address("grace")
    assert context["user"]["subscription_status"] == "active"
    assert (context["user"]["plan_id"], context["is_premium"]) == ("team", True)
    assert context["organization"]["slug"] == subscribed_acme.slug
    assert context["features"]["audit_history"] is True
    assert context["subscription"]["status"] == "active"
    private = ("subscription_id", "customer_id", "billing_email")
    assert [context["user"][name] for name in private] == [None, None, None]
    assert (context["upgrade_url"], context["customer_portal_url"]) == (None, None)


def test_context_gives_billing_ids_and_pages_to_admins(api, subscribed_acme):
    context = api.get(
        f"{subscribed_acme.path}/subscription-context", token=subscribed_acme.token("admin")
    ).json()

    assert context["user"]["subscription_id"].startswith("sub_")
    assert context["user"]["customer_id"].startswith("cus_")
    assert context["user"]["billing_email"] == subscribed_acme.address("ada")
    page = f"https://app.example/{subscribed_acme.slug}/billing"
    assert (context["upgrade_url"], context["customer_portal_url"]) == (page, page)


def test_admin_previews_a_plan_change(api, subscribed_organization):
    answer = api.post(
        f"{subscribed_organization.path}/billing/subscription/preview",
        token=subscribed_organization.token("admin"),
        json={"price_id": find_price_id(api, "business_monthly")},
    )

    assert answer.status_code == 200
    assert (answer.json()["current"], answer.json()["resulting"]) == (2, 3)
    assert answer.json()["amount_due_now"] == 0
    assert answer.json()["amount_next_invoice"] > 3 * 2_400


@pytest.fixture
def public_price(committed):
    """Create a price in a plan that anyone may see, and hide the plan after the test."""
    price = create_plan_price()
    Plan.objects.filter(pk=price.plan_id).update(is_public=True)
    yield price
    Plan.objects.filter(pk=price.plan_id).update(is_public=False)


def test_price_of_an_archived_product_disappears_from_the_plans_until_it_is_sold_again(
    api, acme, public_price
):
    products = build_stripe_client().v1.products
    product_id = public_price.provider_prices.get().external_product_id

    def is_listed():
        plans = api.get("/v1/plans").json()["results"]
        return str(public_price.pk) in [price["id"] for plan in plans for price in plan["prices"]]

    assert is_listed()

    products.update(product_id, {"active": False})
    poll(lambda: not is_listed(), what="the end of the sale")
    refused = api.post(
        f"{acme.path}/billing/checkout",
        token=acme.token("admin"),
        json={"price_id": str(public_price.pk), **URLS},
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "price_not_available")

    products.update(product_id, {"active": True})
    poll(is_listed, what="the sale")
