"""Read, preview and sync seats over HTTP."""

from datetime import datetime

from tests.billing.api_calls import get_seats, wait_for_billed_seats


def test_billed_seats_follow_the_members(api, front_end, subscribed_organization):
    email = subscribed_organization.address("linus")
    front_end.invite(subscribed_organization.admin, email, role="member")
    assert (
        get_seats(api, subscribed_organization)["reserved"],
        get_seats(api, subscribed_organization)["counted"],
    ) == (1, 2)

    linus = front_end.accept(email)
    wait_for_billed_seats(api, subscribed_organization, 3)
    front_end.call_api(
        "DELETE",
        f"{subscribed_organization.path}/members/{linus.member['id']}",
        session=subscribed_organization.admin,
    )

    wait_for_billed_seats(api, subscribed_organization, 2)
    assert get_seats(api, subscribed_organization)["state"] == "in_sync"


def test_history_shows_reasons_and_attempts(api, front_end, subscribed_organization):
    email = subscribed_organization.address("linus")
    front_end.invite(subscribed_organization.admin, email, role="member")
    front_end.accept(email)
    wait_for_billed_seats(api, subscribed_organization, 3)

    page = api.get(
        f"{subscribed_organization.path}/billing/seats/history",
        token=subscribed_organization.token("admin"),
    ).json()

    joined = next(row for row in page["results"] if row["reason"] == "member_added")
    assert (joined["counted_before"], joined["counted_after"], joined["target"]) == (2, 3, 3)
    assert joined["attempt"]["quantity"] == joined["attempt"]["quantity_returned"] == 3
    invited = next(row for row in page["results"] if row["reason"] == "invitation_created")
    assert invited["attempt"] is None


def test_preview_shows_the_cost_of_one_more_seat(api, subscribed_acme):
    body = {"add": 1}
    answer = api.post(
        f"{subscribed_acme.path}/billing/seats/preview",
        token=subscribed_acme.token("admin"),
        json=body,
    )

    cost = answer.json()
    assert (cost["current"], cost["resulting"], cost["currency"]) == (2, 3, "usd")
    # A whole period for three, and the rest of this one for the third.
    assert cost["amount_due_now"] == 0
    assert 3 * 1_200 < cost["amount_next_invoice"] <= 4 * 1_200


def test_preview_of_a_promotion_counts_the_viewer(api, subscribed_acme):
    viewer = subscribed_acme.viewer.member["id"]

    def preview(role):
        return api.post(
            f"{subscribed_acme.path}/billing/seats/preview",
            token=subscribed_acme.token("admin"),
            json={"member_id": viewer, "role": role},
        ).json()

    assert (preview("member")["resulting"], preview("viewer")["resulting"]) == (3, 2)


def test_change_is_charged_from_the_previewed_date(api, sandbox, subscribed_organization):
    preview = api.post(
        f"{subscribed_organization.path}/billing/seats/preview",
        token=subscribed_organization.token("admin"),
        json={"member_id": subscribed_organization.viewer.member["id"], "role": "member"},
    ).json()
    api.patch(
        f"{subscribed_organization.path}/members/{subscribed_organization.viewer.member['id']}",
        token=subscribed_organization.token("admin"),
        json={"role": "member"},
    )
    wait_for_billed_seats(api, subscribed_organization, 3)

    sent = [r["body"] for r in sandbox.requests("stripe", "POST", "/subscriptions/sub_")]
    dates = [body.get("proration_date") for body in sent if body.get("items[0][quantity]") == "3"]
    assert _to_unix_seconds(preview["proration_date"]) in dates


def test_sync_can_be_requested(api, subscribed_acme):
    answer = api.post(
        f"{subscribed_acme.path}/billing/seats/sync", token=subscribed_acme.token("admin")
    )

    assert (answer.status_code, answer.json()["state"]) == (202, "in_sync")


def _to_unix_seconds(text):
    return str(int(datetime.fromisoformat(text).timestamp()))
