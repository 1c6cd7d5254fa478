"""Read and change the billing profile over HTTP."""

from tests.billing.api_calls import wait_for_billed_seats
from tests.harness.stack import poll


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
    assert (kept["name"], kept["vat_id"]) == ("Acme AG", "CHE123456789")
