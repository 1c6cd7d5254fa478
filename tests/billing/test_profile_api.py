"""Read and change the billing profile over HTTP."""

import pytest

from billing.models import Customer
from tests.billing.api_calls import wait_for_billed_seats
from tests.billing.support import build_stripe_client
from tests.harness.stack import poll

READ_ONLY = ("vat_status",)


def test_profile_and_vat_number_are_stored_at_stripe(api, sandbox, subscribed_organization):
    path, admin = (
        f"{subscribed_organization.path}/billing/profile",
        subscribed_organization.token("admin"),
    )
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
    wait_for_billed_seats(api, new_organization, 2)

    kept = api.get(path, token=admin).json()
    assert (kept["name"], kept["vat_id"]) == ("Acme AG", "CHE-123.456.789 MWST")


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("no_vat", "123456789MVA"),
        ("ch_vat", "CHE-123.456.789 MWST"),
        ("eu_vat", "BE12345678"),  # taken at Stripe's pages in a form that is refused here
    ],
)
def test_profile_that_is_sent_back_as_it_was_read_changes_nothing(
    api, committed, sandbox, subscribed_organization, type_, value
):
    path, admin = (
        f"{subscribed_organization.path}/billing/profile",
        subscribed_organization.token("admin"),
    )
    customer_id = Customer.objects.get(organization_id=subscribed_organization.id).external_id
    stripe = build_stripe_client().v1.customers
    stripe.tax_ids.create(customer_id, {"type": "us_ein", "value": "12-3456789"})
    stripe.tax_ids.create(customer_id, {"type": type_, "value": value})
    stripe.update(customer_id, {"name": "Long" * 70})
    poll(lambda: api.get(path, token=admin).json()["vat_id"] == value, what="the number")
    poll(lambda: api.get(path, token=admin).json()["name"] == "Long" * 64, what="the name")
    before = len(sandbox.requests("stripe", "POST", f"/v1/customers/{customer_id}"))
    shown = api.get(path, token=admin).json()

    written = api.patch(
        path, token=admin, json={name: shown[name] for name in shown if name not in READ_ONLY}
    )

    assert written.json() == shown
    assert len(sandbox.requests("stripe", "POST", f"/v1/customers/{customer_id}")) == before
    assert stripe.retrieve(customer_id).name == "Long" * 70


def test_other_tax_numbers_at_stripe_survive_a_new_vat_number(
    api, committed, subscribed_organization
):
    path, admin = (
        f"{subscribed_organization.path}/billing/profile",
        subscribed_organization.token("admin"),
    )
    customer_id = Customer.objects.get(organization_id=subscribed_organization.id).external_id
    stripe = build_stripe_client().v1.customers
    stripe.tax_ids.create(customer_id, {"type": "us_ein", "value": "12-3456789"})

    for number in ("de123456789", "no 123 456 789 mva", ""):
        assert api.patch(path, token=admin, json={"vat_id": number}).status_code == 200

    (kept,) = stripe.tax_ids.list(customer_id).data
    assert (kept.type, kept.value) == ("us_ein", "12-3456789")
