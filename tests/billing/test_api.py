"""Billing over HTTP: works, and refuses the outsider, the weak, and nonsense."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from events.models import Event
from kit.ids import uuid7
from tenancy import routing
from tenancy.models import Organization
from tests.harness.plugin import SANDBOX_URL
from tests.harness.stack import poll

LANDING = f"{SANDBOX_URL}/landing"
ANY, ADMIN = ("admin", "member", "viewer"), ("admin",)
URLS = {"success_url": LANDING, "cancel_url": LANDING}
READS = {
    "/billing/profile": ADMIN,
    "/billing/subscription": ANY,
    "/billing/seats": ANY,
    "/billing/seats/history": ADMIN,
    "/billing/invoices": ADMIN,
    "/features": ANY,
    "/features/audit_history": ANY,
    "/subscription-context": ANY,
}
WRITES = {
    ("PATCH", "/billing/profile"): {"name": "x"},
    ("POST", "/billing/checkout"): {},
    ("POST", "/billing/portal"): {"return_url": LANDING},
    ("POST", "/billing/subscription/cancel"): {},
    ("POST", "/billing/subscription/resume"): {},
    ("POST", "/billing/subscription/change"): {},
    ("POST", "/billing/seats/preview"): {"add": 1},
    ("POST", "/billing/seats/sync"): {},
}


def price(api, key="team_monthly"):
    plans = api.get("/v1/plans").json()["results"]
    return next(p for plan in plans for p in plan["prices"] if p["lookup_key"] == key)["id"]


def seats(api, organization):
    return api.get(f"{organization.path}/billing/seats", token=organization.token("admin")).json()


def bills(api, organization, quantity):
    told = f"{quantity} seats"
    poll(lambda: seats(api, organization)["provider_quantity"] == quantity, seconds=90, what=told)


@pytest.fixture
def subscribed(api, front_end, new_organization):
    """An organization that has paid: an admin and a member, two seats."""
    front_end.subscribe(new_organization.admin)
    bills(api, new_organization, 2)
    return new_organization


@pytest.mark.parametrize("path", READS)
def test_read_requires_a_permitted_role(api, acme, path):
    for role in ANY:
        answer = api.get(acme.path + path, token=acme.token(role))
        assert answer.status_code == (200 if role in READS[path] else 403), role


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_write_requires_an_admin(api, acme, method, path):
    for role in ("member", "viewer"):
        answer = api.request(
            method, acme.path + path, token=acme.token(role), json=WRITES[method, path]
        )
        assert answer.status_code == 403, role


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in READS), *WRITES])
def test_outsiders_get_not_found_and_anonymous_callers_unauthorized(
    api, acme, globex, method, path
):
    body = WRITES.get((method, path))
    stranger = api.request(method, acme.path + path, token=globex.token("admin"), json=body)
    nobody = api.request(method, acme.path + path, json=body)

    assert (stranger.status_code, nobody.status_code) == (404, 401)


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "/billing/checkout", {"price_id": "x", **URLS}, "/price_id"),
        ("POST", "/billing/checkout", {"quantity": 3}, "/quantity"),
        ("POST", "/billing/portal", {"return_url": "https://evil.example"}, "/return_url"),
        ("POST", "/billing/seats/preview", {"add": 0}, "/add"),
        ("POST", "/billing/seats/preview", {"add": 1, "role": "admin"}, ""),
        ("POST", "/billing/subscription/cancel", {"when": "now"}, "/when"),
        ("PATCH", "/billing/profile", {"country": "Germany"}, "/country"),
        ("PATCH", "/billing/profile", {"email": "nobody"}, "/email"),
        ("PATCH", "/billing/profile", {"vat_id": "US123"}, "/vat_id"),
        ("PATCH", "/billing/profile", {"vat_status": "verified"}, "/vat_status"),
    ],
)
def test_invalid_field_is_named(api, acme, method, path, body, pointer):
    answer = api.request(method, acme.path + path, token=acme.token("admin"), json=body)

    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


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


def test_price_not_for_sale_is_refused(api, acme):
    body = {"price_id": "00000000-0000-7000-8000-000000000000", **URLS}

    answer = api.post(f"{acme.path}/billing/checkout", token=acme.token("admin"), json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "price_not_available")


def test_purchase_gives_full_access_and_a_second_one_is_refused(api, subscribed):
    admin = subscribed.token("admin")
    shown = api.get(f"{subscribed.path}/billing/subscription", token=admin).json()
    again = api.post(
        f"{subscribed.path}/billing/checkout",
        token=admin,
        json={"price_id": price(api), **URLS},
    )

    assert (shown["status"], shown["access"], shown["quantity"]) == ("active", "full", 2)
    assert (shown["plan"]["key"], shown["price"]["amount"]) == ("team", 1_200)
    assert shown["current_period_end"] > shown["current_period_start"]
    assert (again.status_code, again.json()["code"]) == (409, "subscription_exists")


def test_billed_seats_follow_the_members(api, front_end, subscribed):
    email = subscribed.address("linus")
    front_end.invite(subscribed.admin, email, role="member")
    assert (seats(api, subscribed)["reserved"], seats(api, subscribed)["counted"]) == (1, 2)

    linus = front_end.accept(email)
    bills(api, subscribed, 3)
    front_end.ask(
        "DELETE", f"{subscribed.path}/members/{linus.member['id']}", session=subscribed.admin
    )

    bills(api, subscribed, 2)
    assert seats(api, subscribed)["state"] == "in_sync"


def test_history_shows_reasons_and_attempts(api, front_end, subscribed):
    email = subscribed.address("linus")
    front_end.invite(subscribed.admin, email, role="member")
    front_end.accept(email)
    bills(api, subscribed, 3)

    page = api.get(
        f"{subscribed.path}/billing/seats/history", token=subscribed.token("admin")
    ).json()

    joined = next(row for row in page["results"] if row["reason"] == "member_added")
    assert (joined["counted_before"], joined["counted_after"], joined["target"]) == (2, 3, 3)
    assert joined["attempt"]["quantity"] == joined["attempt"]["quantity_returned"] == 3
    invited = next(row for row in page["results"] if row["reason"] == "invitation_created")
    assert invited["attempt"] is None


def test_preview_shows_the_cost_of_one_more_seat(api, subscribed):
    body = {"add": 1}
    answer = api.post(
        f"{subscribed.path}/billing/seats/preview", token=subscribed.token("admin"), json=body
    )

    cost = answer.json()
    assert (cost["current"], cost["resulting"], cost["currency"]) == (2, 3, "usd")
    # A whole period for three, and the rest of this one for the third.
    assert cost["amount_due_now"] == 0
    assert 3 * 1_200 < cost["amount_next_invoice"] <= 4 * 1_200


def test_preview_of_a_promotion_counts_the_viewer(api, subscribed):
    viewer = subscribed.viewer.member["id"]
    ask = lambda role: api.post(  # noqa: E731
        f"{subscribed.path}/billing/seats/preview",
        token=subscribed.token("admin"),
        json={"member_id": viewer, "role": role},
    ).json()

    assert (ask("member")["resulting"], ask("viewer")["resulting"]) == (3, 2)


def test_change_is_charged_from_the_previewed_date(api, sandbox, subscribed):
    preview = api.post(
        f"{subscribed.path}/billing/seats/preview",
        token=subscribed.token("admin"),
        json={"member_id": subscribed.viewer.member["id"], "role": "member"},
    ).json()
    api.patch(
        f"{subscribed.path}/members/{subscribed.viewer.member['id']}",
        token=subscribed.token("admin"),
        json={"role": "member"},
    )
    bills(api, subscribed, 3)

    sent = [r["body"] for r in sandbox.requests("stripe", "POST", "/subscriptions/sub_")]
    moments = [body.get("proration_date") for body in sent if body.get("items[0][quantity]") == "3"]
    assert _seconds(preview["proration_date"]) in moments


def test_preview_needs_a_subscription(api, acme):
    answer = api.post(
        f"{acme.path}/billing/seats/preview", token=acme.token("admin"), json={"add": 1}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "subscription_missing")


def test_sync_can_be_requested(api, subscribed):
    answer = api.post(f"{subscribed.path}/billing/seats/sync", token=subscribed.token("admin"))

    assert (answer.status_code, answer.json()["state"]) == (202, "in_sync")


def test_subscription_can_be_changed_cancelled_and_resumed(api, subscribed):
    def ask(verb, **body):
        path = f"{subscribed.path}/billing/subscription/{verb}"
        return api.post(path, token=subscribed.token("admin"), json=body).json()

    changed = ask("change", price_id=price(api, "team_yearly"))
    assert (changed["price"]["interval"], changed["quantity"]) == ("year", 2)
    assert ask("cancel")["cancel_at_period_end"]
    assert not ask("resume")["cancel_at_period_end"]
    ended = ask("cancel", at_period_end=False)
    assert (ended["status"], ended["access"]) == ("canceled", "none")


def test_portal_link_leads_to_stripe(api, acme):
    answer = api.post(
        f"{acme.path}/billing/portal", token=acme.token("admin"), json={"return_url": LANDING}
    )

    assert answer.status_code == 201
    assert "/portal/" in answer.json()["url"]


def test_profile_and_vat_number_are_stored_at_stripe(api, sandbox, subscribed):
    path, admin = f"{subscribed.path}/billing/profile", subscribed.token("admin")
    fields = {"name": "Acme GmbH", "city": "Berlin", "country": "de", "vat_id": "DE 123.456.789"}

    written = api.patch(path, token=admin, json=fields).json()

    assert (written["name"], written["city"], written["country"]) == ("Acme GmbH", "Berlin", "DE")
    assert written["vat_id"] == "DE123456789"
    poll(lambda: api.get(path, token=admin).json()["vat_status"] == "verified", what="the register")
    cleared = api.patch(path, token=admin, json={"vat_id": ""}).json()
    assert (cleared["vat_id"], cleared["vat_status"], cleared["city"]) == ("", None, "Berlin")


def test_profile_is_stored_before_there_is_a_customer(api, front_end, new_organization):
    path, admin = f"{new_organization.path}/billing/profile", new_organization.token("admin")
    api.patch(path, token=admin, json={"name": "Acme AG", "vat_id": "CHE123456789"})

    front_end.subscribe(new_organization.admin)
    bills(api, new_organization, 2)

    kept = api.get(path, token=admin).json()
    assert (kept["name"], kept["vat_id"]) == ("Acme AG", "CHE123456789")


def test_invoices_are_listed_with_their_links(api, wait_until_settled, subscribed):
    wait_until_settled()

    page = api.get(f"{subscribed.path}/billing/invoices", token=subscribed.token("admin")).json()

    (invoice,) = page["results"]
    assert (invoice["status"], invoice["total"], invoice["currency"]) == ("paid", 2_400, "usd")
    assert invoice["number"]
    assert invoice["hosted_url"].startswith("http")


def test_features_have_reasons(api, acme, subscribed):
    free = api.get(f"{acme.path}/features", token=acme.token("viewer")).json()
    paid = api.get(f"{subscribed.path}/features", token=subscribed.token("viewer")).json()

    refused, granted = free["audit_history"], paid["audit_history"]
    assert (refused["has_access"], refused["reason"]) == (False, "not_in_plan")
    assert (refused["requires_upgrade"], bool(refused["upgrade_prompt"])) == (True, True)
    assert (granted["has_access"], granted["reason"], granted["limit"]) == (True, "plan", None)


def test_events_older_than_thirty_days_need_the_feature(api, acme, subscribed, committed):
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

    free, paid = create_old_event(acme), create_old_event(subscribed)
    since = {"since": (old - timedelta(days=1)).isoformat(), "limit": 200}

    for refused in (read(acme, "", **since), read(acme, f"/{free}")):
        assert (refused.status_code, refused.json()["code"]) == (402, "feature_not_available")
        assert refused.json()["feature"]["feature_key"] == "audit_history"
    assert free not in [event["id"] for event in read(acme, "", limit=200).json()["results"]]
    listed = read(subscribed, "", **since).json()["results"]
    assert paid in [event["id"] for event in listed]
    assert read(subscribed, f"/{paid}").status_code == 200


def test_unknown_feature_is_not_found(api, acme):
    answer = api.get(f"{acme.path}/features/teleport", token=acme.token("admin"))

    assert answer.status_code == 404


def test_context_contains_user_subscription_and_features(api, subscribed):
    context = api.get(
        f"{subscribed.path}/subscription-context", token=subscribed.token("member")
    ).json()

    assert context["user"]["email"] == subscribed.address("grace")
    assert context["user"]["subscription_status"] == "active"
    assert (context["user"]["plan_id"], context["is_premium"]) == ("team", True)
    assert context["organization"]["slug"] == subscribed.slug
    assert context["features"]["audit_history"] is True
    assert context["subscription"]["status"] == "active"
    assert context["upgrade_url"].endswith(f"{subscribed.path}/billing/checkout")


def _seconds(text):
    return str(int(datetime.fromisoformat(text).timestamp()))
