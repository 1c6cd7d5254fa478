"""Limit how many of something an organization may have, by counting its rows."""

import secrets

import pytest
from django.core.checks import run_checks
from django.urls import reverse

from billing.entitlements import usage
from billing.models import Feature, FeatureOverride, Plan, PlanFeature
from tests.billing.support import run_in_parallel

KEY = "pending_invitations"


@pytest.fixture
def limited_organization(committed, new_organization):
    """Create an organization that staff allow two pending invitations."""
    FeatureOverride.objects.create(
        organization_id=new_organization.id,
        feature=Feature.objects.get(key=KEY),
        limit=2,
        reason="a test",
    )
    return new_organization


@pytest.fixture
def invite(api):
    """Return a function that invites a new address: `invite(organization)`."""

    def ask(organization, role="viewer"):
        email = organization.address(f"new-{secrets.token_hex(3)}")
        path = f"{organization.path}/invitations"
        return api.post(
            path, token=organization.token("admin"), json={"email": email, "role": role}
        )

    return ask


def read_access(api, organization):
    path = f"{organization.path}/features/{KEY}"
    found = api.get(path, token=organization.token("viewer")).json()
    return found["limit"], found["used"], found["remaining"], found["reason"]


def test_limit_counts_pending_invitations_and_refuses_one_more(api, limited_organization, invite):
    acme = limited_organization
    assert read_access(api, acme) == (2, 0, 2, "override")

    made = [invite(acme, role) for role in ("member", "viewer")]
    refused = invite(acme)

    assert [answer.status_code for answer in made] == [201, 201]
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (402, "feature_not_available")
    assert problem["detail"] == "The plan's limit of 2 is reached."
    assert problem["feature"] | {"upgrade_prompt": ""} == {
        "feature_key": KEY,
        "feature_name": "Pending invitations",
        "has_access": False,
        "requires_upgrade": True,
        "upgrade_prompt": "",
        "reason": "limit_reached",
        "limit": 2,
        "used": 2,
        "remaining": 0,
    }
    assert read_access(api, acme) == (2, 2, 0, "limit_reached")


def test_revoked_invitation_makes_room_for_another(api, limited_organization, invite):
    acme = limited_organization
    made = [invite(acme).json() for _ in range(2)]

    path = f"{acme.path}/invitations/{made[0]['id']}"
    assert api.delete(path, token=acme.token("admin")).status_code == 204

    assert read_access(api, acme) == (2, 1, 1, "override")
    assert invite(acme).status_code == 201


def test_bulk_invitation_refuses_the_rows_beyond_the_limit(api, limited_organization):
    acme = limited_organization
    rows = [
        {"email": acme.address(f"b{n}-{secrets.token_hex(2)}"), "role": "viewer"} for n in "123"
    ]

    answer = api.post(
        f"{acme.path}/invitations/bulk", token=acme.token("admin"), json={"invitations": rows}
    )

    codes = [(row.get("problem") or {}).get("code") for row in answer.json()["results"]]
    assert codes == [None, None, "feature_not_available"]


def test_two_invitations_at_once_do_not_both_take_the_last_one(limited_organization, invite):
    invite(limited_organization)

    answers = run_in_parallel(*[lambda: invite(limited_organization)] * 2)

    assert sorted(answer.status_code for answer in answers) == [201, 402]


def test_free_plan_names_its_limit_and_paid_plans_have_none(api, acme, subscribed_acme):
    free = next(one for one in api.get("/v1/plans").json()["results"] if one["key"] == "free")
    entry = {"feature_key": KEY, "feature_name": "Pending invitations", "limit": 100}
    assert entry in free["features"]

    limit, used, remaining, reason = read_access(api, acme)
    assert (limit, remaining, reason) == (100, 100 - used, "plan")
    assert read_access(api, subscribed_acme)[0] is None


def test_limit_of_the_catalog_that_nothing_counts_is_refused_at_start(monkeypatch):
    assert [one for one in run_checks() if one.id == "billing.E002"] == []

    monkeypatch.delitem(usage.counters, KEY)

    (message,) = [one for one in run_checks() if one.id == "billing.E002"]
    assert message.msg == "The plan free limits pending_invitations, which nothing counts."


@pytest.mark.parametrize(("key", "status"), [(KEY, 302), ("audit_history", 200)])
def test_staff_limit_only_what_is_counted(staff_client, new_organization, key, status):
    feature = Feature.objects.get(key=key)
    body = {
        "organization": new_organization.id, "feature": str(feature.pk), "is_granted": "on",
        "limit": "3", "reason": "a promise", "expires_at_0": "", "expires_at_1": "",
    }  # fmt: skip

    answer = staff_client.post(reverse("admin:billing_featureoverride_add"), body)

    assert answer.status_code == status
    assert FeatureOverride.objects.filter(organization_id=new_organization.id).exists() is (
        status == 302
    )
    assert ("Nothing counts the use" in answer.content.decode()) is (status == 200)


def test_plan_form_refuses_a_limit_that_nothing_counts(staff_client):
    plan = Plan.objects.create(key=f"p-{secrets.token_hex(3)}", name="P", is_public=False)
    feature = Feature.objects.get(key="audit_history")
    body = {
        "name": "P", "sort_order": "0", "billable_roles": ["member"], "minimum_seats": "1",
        "addition_policy": "next_invoice", "removal_policy": "credit", "drift_policy": "correct",
        "trial_days": "0", "prices-TOTAL_FORMS": "0", "prices-INITIAL_FORMS": "0",
        "features-TOTAL_FORMS": "1", "features-INITIAL_FORMS": "0",
        "features-0-feature": str(feature.pk), "features-0-limit": "3",
    }  # fmt: skip

    address = reverse("admin:billing_plan_change", args=[plan.pk])
    refused = staff_client.post(address, body)
    assert "Nothing counts the use of this feature" in refused.content.decode()

    assert staff_client.post(address, body | {"features-0-limit": ""}).status_code == 302
    assert PlanFeature.objects.get(plan=plan).limit is None
