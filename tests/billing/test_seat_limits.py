"""Check that the API enforces the maximum and that changes at Stytch are always accepted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Plan
from billing.subscriptions import changes
from identity.models import Invitation, Member
from tenancy.models import Organization
from tests.billing.api_calls import get_seats, wait_for_billed_seats
from tests.billing.support import create_plan_price

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def full_organization(subscribed_organization):
    """Create an organization whose admin and member have all two seats of its plan."""
    set_maximum(subscribed_organization, 2)
    return subscribed_organization


def set_maximum(organization, maximum):
    """Change the organization to a plan with that many seats."""
    row = Organization.objects.get(pk=organization.id)
    changes.change_price(organization=row, price=create_plan_price(maximum_seats=maximum))


def is_seat_refused(answer):
    return (answer.status_code, answer.json()["code"]) == (402, "seat_limit_reached")


def request(api, organization, method, path, **body):
    options = {"json": body} if body else {}
    return api.request(
        method, organization.path + path, token=organization.token("admin"), **options
    )


def invite(api, organization, name, role="member", **more):
    body = {"email": organization.address(name), "role": role} | more
    return request(api, organization, "POST", "/invitations", **body)


def expire_invitation(invitation):
    """Move the end of the invitation into the past."""
    past = timezone.now() - timedelta(seconds=1)
    Invitation.objects.filter(pk=invitation["id"]).update(expires_at=past)


def test_full_plan_refuses_members_and_accepts_viewers(api, full_organization):
    answer = invite(api, full_organization, "linus")

    assert is_seat_refused(answer)
    assert [answer.json()[name] for name in ("maximum", "counted", "reserved")] == [2, 2, 0]
    assert invite(api, full_organization, "vera", role="viewer").status_code == 201


def test_full_plan_refuses_the_billable_rows_of_a_bulk_invitation(api, full_organization):
    rows = [
        {"email": full_organization.address("linus"), "role": "member"},
        {"email": full_organization.address("vera"), "role": "viewer"},
    ]

    results = request(api, full_organization, "POST", "/invitations/bulk", invitations=rows).json()[
        "results"
    ]

    assert [row["result"] for row in results] == ["refused", "queued"]
    assert results[0]["problem"]["code"] == "seat_limit_reached"


def test_bulk_invitation_takes_no_more_than_the_free_seats(api, full_organization):
    set_maximum(full_organization, 4)
    rows = [{"email": full_organization.address(f"p{n}"), "role": "member"} for n in range(5)]

    results = request(api, full_organization, "POST", "/invitations/bulk", invitations=rows).json()[
        "results"
    ]

    assert [row["result"] for row in results] == ["queued"] * 2 + ["refused"] * 3


def test_full_plan_refuses_a_promotion(api, full_organization):
    viewer = full_organization.viewer.member["id"]

    assert is_seat_refused(
        request(api, full_organization, "PATCH", f"/members/{viewer}", role="member")
    )
    assert get_seats(api, full_organization)["counted"] == 2


def test_full_plan_refuses_a_reactivation(api, full_organization):
    grace = full_organization.member.member["id"]
    request(api, full_organization, "DELETE", f"/members/{grace}")
    invite(api, full_organization, "linus")

    assert is_seat_refused(request(api, full_organization, "POST", f"/members/{grace}/reactivate"))


def test_suspension_frees_a_seat_and_a_restore_needs_one(api, full_organization):
    grace = full_organization.member.member["id"]

    request(api, full_organization, "POST", f"/members/{grace}/suspend")

    wait_for_billed_seats(api, full_organization, 1)
    (latest, *_) = request(api, full_organization, "GET", "/billing/seats/history").json()[
        "results"
    ]
    assert (latest["reason"], latest["subject_id"]) == ("member_suspended", grace)
    invite(api, full_organization, "linus")
    assert is_seat_refused(request(api, full_organization, "POST", f"/members/{grace}/restore"))


def test_restored_member_is_billed_again(api, full_organization):
    grace = full_organization.member.member["id"]
    request(api, full_organization, "POST", f"/members/{grace}/suspend")
    wait_for_billed_seats(api, full_organization, 1)

    request(api, full_organization, "POST", f"/members/{grace}/restore")

    wait_for_billed_seats(api, full_organization, 2)
    (latest, *_) = request(api, full_organization, "GET", "/billing/seats/history").json()[
        "results"
    ]
    assert (latest["reason"], latest["subject_id"]) == ("member_restored", grace)


def test_expired_reservation_is_free_and_a_resend_needs_a_seat(api, full_organization):
    set_maximum(full_organization, 3)
    first = invite(api, full_organization, "linus").json()
    assert is_seat_refused(invite(api, full_organization, "barbara"))
    expire_invitation(first)

    assert invite(api, full_organization, "barbara").status_code == 201
    assert is_seat_refused(
        request(api, full_organization, "POST", f"/invitations/{first['id']}/resend")
    )


def test_acceptance_is_never_refused_even_under_a_lower_maximum(api, front_end, full_organization):
    set_maximum(full_organization, 3)
    invite(api, full_organization, "linus")
    Plan.objects.filter(prices__subscriptions__current_for=full_organization.id).update(
        maximum_seats=2
    )

    front_end.accept(full_organization.address("linus"))

    wait_for_billed_seats(api, full_organization, 3)
    assert get_seats(api, full_organization)["state"] == "over_limit"


def test_member_added_in_the_dashboard_is_never_refused(api, sandbox, full_organization):
    organization = Organization.objects.get(pk=full_organization.id)

    sandbox.post(
        "/stytch/members",
        organization_id=organization.stytch_org_id,
        email_address=full_organization.address("linus"),
    )

    wait_for_billed_seats(api, full_organization, 3)
    assert get_seats(api, full_organization)["state"] == "over_limit"


@pytest.mark.parametrize("source", ["scim", "dashboard"])
def test_removal_at_stytch_frees_the_seat(api, sandbox, subscribed_organization, source):
    grace = Member.objects.get(pk=subscribed_organization.member.member["id"])

    sandbox.post(f"/stytch/members/{grace.stytch_member_id}/delete", source=source)

    wait_for_billed_seats(api, subscribed_organization, 1)


def test_member_created_at_first_sign_in_takes_a_seat(
    api, sandbox, subscribed_organization, drop_webhooks
):
    organization = Organization.objects.get(pk=subscribed_organization.id)
    drop_webhooks()
    linus = sandbox.post(
        "/stytch/members",
        organization_id=organization.stytch_org_id,
        email_address=subscribed_organization.address("linus"),
    )
    token = sandbox.post("/stytch/tokens", member_id=linus["member_id"])["token"]

    assert api.get("/v1/me", token=token).status_code == 200

    wait_for_billed_seats(api, subscribed_organization, 3)


def test_invitation_with_other_expected_seats_is_refused(api, subscribed_organization):
    stale = invite(api, subscribed_organization, "linus", expected_seats=5)
    fresh = invite(api, subscribed_organization, "linus", expected_seats=3)

    assert (stale.status_code, stale.json()["code"]) == (409, "seats_changed")
    assert [stale.json()[name] for name in ("expected", "resulting")] == [5, 3]
    assert fresh.status_code == 201


def test_bulk_invitations_with_other_expected_seats_are_refused(api, subscribed_organization):
    rows = [
        {"email": subscribed_organization.address(name), "role": role}
        for name, role in (("linus", "member"), ("joan", "admin"), ("eve", "viewer"))
    ]

    def invite_all(**more):
        body = {"invitations": rows} | more
        return request(api, subscribed_organization, "POST", "/invitations/bulk", **body)

    stale, fresh = invite_all(expected_seats=5), invite_all(expected_seats=4)

    assert (stale.status_code, stale.json()["code"]) == (409, "seats_changed")
    assert [stale.json()[name] for name in ("expected", "resulting")] == [5, 4]
    assert fresh.status_code == 202
    assert [result["result"] for result in fresh.json()["results"]] == ["queued"] * 3


def test_role_change_with_other_expected_seats_is_refused(api, subscribed_organization):
    address = subscribed_organization.address("vic")
    vic = Member.objects.get(organization_id=subscribed_organization.id, email=address).pk

    def change_role(role, expected):
        body = {"role": role, "expected_seats": expected}
        return request(api, subscribed_organization, "PATCH", f"/members/{vic}", **body)

    stale, fresh = change_role("member", 2), change_role("member", 3)
    wait_for_billed_seats(api, subscribed_organization, 3)
    stale_demotion = change_role("viewer", 3)

    assert (stale.status_code, stale.json()["code"]) == (409, "seats_changed")
    assert (stale.json()["resulting"], stale_demotion.json()["resulting"]) == (3, 2)
    assert (fresh.status_code, change_role("viewer", 2).status_code) == (200, 200)
