"""The maximum holds at every door of ours and at none of Stytch's; every road changes the seats."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Plan
from billing.subscriptions import changes
from identity.models import Invitation, Member
from tenancy.models import Organization
from tests.billing.support import create_plan_price
from tests.billing.test_api import bills, seats

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def subscribed(front_end, api, new_organization):
    """An organization that has paid for its admin and its member."""
    front_end.subscribe(new_organization.admin)
    bills(api, new_organization, 2)
    return new_organization


@pytest.fixture
def full(subscribed):
    """An organization whose plan allows two seats, which its admin and its member have."""
    limit(subscribed, 2)
    return subscribed


def limit(organization, most):
    """Put the organization on a plan that allows so many."""
    row = Organization.objects.get(pk=organization.id)
    changes.change_price(organization=row, price=create_plan_price(maximum_seats=most))


def refused(answer):
    return (answer.status_code, answer.json()["code"]) == (402, "seat_limit_reached")


def ask(api, organization, method, path, **body):
    options = {"json": body} if body else {}
    return api.request(
        method, organization.path + path, token=organization.token("admin"), **options
    )


def invite(api, organization, name, role="member", **more):
    body = {"email": organization.address(name), "role": role} | more
    return ask(api, organization, "POST", "/invitations", **body)


def overdue(invitation):
    """A week goes by."""
    past = timezone.now() - timedelta(seconds=1)
    Invitation.objects.filter(pk=invitation["id"]).update(expires_at=past)


def test_full_plan_refuses_members_and_accepts_viewers(api, full):
    answer = invite(api, full, "linus")

    assert refused(answer)
    assert [answer.json()[name] for name in ("maximum", "counted", "reserved")] == [2, 2, 0]
    assert invite(api, full, "vera", role="viewer").status_code == 201


def test_full_plan_refuses_the_billable_rows_of_a_bulk_invitation(api, full):
    rows = [
        {"email": full.address("linus"), "role": "member"},
        {"email": full.address("vera"), "role": "viewer"},
    ]

    results = ask(api, full, "POST", "/invitations/bulk", invitations=rows).json()["results"]

    assert [row["result"] for row in results] == ["refused", "queued"]
    assert results[0]["problem"]["code"] == "seat_limit_reached"


def test_bulk_invitation_takes_no_more_than_the_free_seats(api, full):
    limit(full, 4)
    rows = [{"email": full.address(f"p{n}"), "role": "member"} for n in range(5)]

    results = ask(api, full, "POST", "/invitations/bulk", invitations=rows).json()["results"]

    assert [row["result"] for row in results] == ["queued"] * 2 + ["refused"] * 3


def test_full_plan_refuses_a_promotion(api, full):
    viewer = full.viewer.member["id"]

    assert refused(ask(api, full, "PATCH", f"/members/{viewer}", role="member"))
    assert seats(api, full)["counted"] == 2


def test_full_plan_refuses_a_reactivation(api, full):
    grace = full.member.member["id"]
    ask(api, full, "DELETE", f"/members/{grace}")
    invite(api, full, "linus")

    assert refused(ask(api, full, "POST", f"/members/{grace}/reactivate"))


def test_expired_reservation_is_free_and_a_resend_needs_a_seat(api, full):
    limit(full, 3)
    first = invite(api, full, "linus").json()
    assert refused(invite(api, full, "barbara"))
    overdue(first)

    assert invite(api, full, "barbara").status_code == 201
    assert refused(ask(api, full, "POST", f"/invitations/{first['id']}/resend"))


def test_acceptance_is_never_refused_even_under_a_lower_maximum(api, front_end, full):
    limit(full, 3)
    invite(api, full, "linus")
    Plan.objects.filter(prices__subscriptions__current_for=full.id).update(maximum_seats=2)

    front_end.accept(full.address("linus"))

    bills(api, full, 3)
    assert seats(api, full)["state"] == "over_limit"


def test_member_added_in_the_dashboard_is_never_refused(api, sandbox, full):
    organization = Organization.objects.get(pk=full.id)

    sandbox.post(
        "/stytch/members",
        organization_id=organization.stytch_org_id,
        email_address=full.address("linus"),
    )

    bills(api, full, 3)
    assert seats(api, full)["state"] == "over_limit"


@pytest.mark.parametrize("source", ["scim", "dashboard"])
def test_removal_at_stytch_frees_the_seat(api, sandbox, subscribed, source):
    grace = Member.objects.get(pk=subscribed.member.member["id"])

    sandbox.post(f"/stytch/members/{grace.stytch_member_id}/delete", source=source)

    bills(api, subscribed, 1)


def test_member_created_at_first_sign_in_takes_a_seat(api, sandbox, subscribed, drop_webhooks):
    organization = Organization.objects.get(pk=subscribed.id)
    drop_webhooks()
    linus = sandbox.post(
        "/stytch/members",
        organization_id=organization.stytch_org_id,
        email_address=subscribed.address("linus"),
    )
    token = sandbox.post("/stytch/tokens", member_id=linus["member_id"])["token"]

    assert api.get("/v1/me", token=token).status_code == 200

    bills(api, subscribed, 3)


def test_invitation_with_other_expected_seats_is_refused(api, subscribed):
    stale = invite(api, subscribed, "linus", expected_seats=5)
    fresh = invite(api, subscribed, "linus", expected_seats=3)

    assert (stale.status_code, stale.json()["code"]) == (409, "seats_changed")
    assert [stale.json()[name] for name in ("expected", "resulting")] == [5, 3]
    assert fresh.status_code == 201
