"""Follow one organization over HTTP, with the real SDKs and the real worker."""

from urllib.parse import urlsplit

from django.db import connection

from tests.harness.stack import poll


def get(api, session, path):
    return api.get(f"{session.path}/billing/{path}", token=session.token).json()


def wait_for_billed_seats(api, session, quantity):
    """Wait until Stripe bills the quantity and our seat state shows it."""
    poll(
        lambda: get(api, session, "seats")["provider_quantity"] == quantity,
        what=f"{quantity} billed seats",
    )


def wait_for_status(api, session, status):
    poll(lambda: get(api, session, "subscription")["status"] == status, what=status)


def test_organization_signs_up_subscribes_cancels_and_subscribes_again(
    api, front_end, sandbox, committed, organization_factory
):
    ada, grace, vic = (f"{name}@initech.example" for name in ("ada", "grace", "vic"))

    admin = front_end.create_organization(ada, name="Initech", slug="initech")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM information_schema.schemata s JOIN tenancy_organization o"
            " ON o.schema_name = s.schema_name WHERE o.slug = 'initech'"
        )
        assert cursor.fetchone() == (1,)

    front_end.subscribe(admin)
    wait_for_status(api, admin, "active")
    wait_for_billed_seats(api, admin, 1)

    front_end.invite(admin, grace, role="member")
    front_end.invite(admin, vic, role="viewer")
    member, viewer = front_end.accept(grace), front_end.accept(vic)
    wait_for_billed_seats(api, admin, 2)  # the viewer is free

    promoted = api.patch(
        f"{admin.path}/members/{viewer.member['id']}", token=admin.token, json={"role": "member"}
    )
    assert promoted.status_code == 200
    wait_for_billed_seats(api, admin, 3)

    removed = api.delete(f"{admin.path}/members/{member.member['id']}", token=admin.token)
    assert removed.status_code == 204
    wait_for_billed_seats(api, admin, 2)
    assert api.get("/v1/me", token=member.token).status_code == 401

    canceled = api.post(
        f"{admin.path}/billing/subscription/cancel",
        token=admin.token,
        json={"at_period_end": False},
    )
    assert canceled.status_code == 200
    wait_for_status(api, admin, "canceled")
    assert get(api, admin, "subscription")["access"] == "none"

    front_end.subscribe(admin)
    wait_for_status(api, admin, "active")
    wait_for_billed_seats(api, admin, 2)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status FROM billing_subscription WHERE organization_id = %s"
            " ORDER BY created_at",
            [admin.organization["id"]],
        )
        assert [status for (status,) in cursor.fetchall()] == ["canceled", "active"]


def test_roles_and_outsiders_are_refused(api, acme, globex):
    invitation = {"email": "new@refused.example", "role": "member"}
    path = f"{acme.path}/invitations"

    assert api.post(path, token=acme.viewer.token, json=invitation).status_code == 403
    assert api.post(path, token=acme.member.token, json=invitation).status_code == 403
    assert api.post(path, token=globex.admin.token, json=invitation).status_code == 404
    assert api.post(path, json=invitation).status_code == 401


def test_checkout_page_opens_at_the_returned_url(api, new_organization):
    price = api.get("/v1/plans").json()["results"][0]["prices"][0]
    body = {
        "price_id": price["id"],
        "success_url": "https://app.example/done",
        "cancel_url": "https://app.example/back",
    }

    answer = api.post(
        f"{new_organization.path}/billing/checkout", token=new_organization.admin.token, json=body
    )

    assert answer.status_code == 201
    assert urlsplit(answer.json()["url"]).path.startswith("/checkout/")
