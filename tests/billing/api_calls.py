"""Call billing's part of the API."""

from tests.harness.stack import poll


def find_price_id(api, lookup_key="team_monthly"):
    plans = api.get("/v1/plans").json()["results"]
    prices = [price for plan in plans for price in plan["prices"]]
    return next(price["id"] for price in prices if price["lookup_key"] == lookup_key)


def get_seats(api, organization):
    return api.get(f"{organization.path}/billing/seats", token=organization.token("admin")).json()


def wait_for_billed_seats(api, organization, quantity):
    """Wait until Stripe bills the quantity and our seat state shows it."""
    poll(
        lambda: get_seats(api, organization)["provider_quantity"] == quantity,
        seconds=90,
        what=f"{quantity} billed seats",
    )
