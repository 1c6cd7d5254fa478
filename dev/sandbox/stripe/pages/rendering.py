"""Parse the forms and render the pages of the Stripe part."""

import re
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.stripe import money
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.world import World

COUNTRIES = {
    "AT": "Austria",
    "BE": "Belgium",
    "CH": "Switzerland",
    "DE": "Germany",
    "DK": "Denmark",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "IT": "Italy",
    "NL": "Netherlands",
    "NO": "Norway",
    "PL": "Poland",
    "PT": "Portugal",
    "SE": "Sweden",
    "US": "United States",
}
TAX_TYPES = {"DE": "eu_vat", "GB": "gb_vat", "CH": "ch_vat", "US": "us_ein"}
SWISS_NUMBER = re.compile(r"CHE(\d{3})(\d{3})(\d{3})(MWST|TVA|IVA)", re.ASCII)
ADDRESS_FIELDS = {
    "line1": "Address",
    "line2": "Address, second line",
    "postal_code": "Postal code",
    "city": "City",
    "state": "State or region",
}
COUNTRIES_WITHOUT_TAX_ID = frozenset({"NO"})


def render_stripe_page(
    world: World, request: Request, name: str, context: dict[str, Any], *, status: int = 200
) -> Response:
    """Render a template."""
    shared = {
        "money": money.format_amount,
        "day": format_day,
        "countries": COUNTRIES,
        "parts": ADDRESS_FIELDS,
    }
    return world.templates.TemplateResponse(request, name, shared | context, status_code=status)


def render_gone_page(world: World, request: Request, what: str) -> Response:
    """Return the page that reports an unknown object."""
    context = {"what": what, "id": request.path_params["id"]}
    return render_stripe_page(world, request, "stripe_gone.html", context, status=404)


def find_page_object(ledger: Ledger, kind: str, request: Request) -> dict[str, Any] | None:
    """Return the object that a page shows, or None."""
    return ledger.find_object(kind, request.path_params["id"])


def format_day(moment: int) -> str:
    """Format a date for people."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d %B %Y").lstrip("0")


def format_address(fields: dict[str, str]) -> dict[str, str | None] | None:
    """Return the address in a form, or None if its country is empty."""
    if not fields.get("country"):
        return None
    names = ("city", "country", "line1", "line2", "postal_code", "state")
    return {name: fields.get(name) or None for name in names}


def read_required_address(fields: dict[str, str]) -> dict[str, str | None]:
    """Return the address in a form, or refuse a form without a country.

    Checkout always collects the country of a card's billing address; this is a belief.
    """
    address = format_address(fields)
    if address is None:
        raise StripeError("Choose the country of your billing address.", param="country")
    return address


def parse_tax_id(fields: dict[str, str]) -> tuple[str, str] | None:
    """Return the tax id in a form with the type its country suggests."""
    value = "".join(c for c in fields.get("tax_id", "").upper() if c not in " .-")
    if not value:
        return None
    country = fields.get("country", "")
    if country == "US":
        value = f"{value[:2]}-{value[2:]}"
    if country == "CH" and (swiss := SWISS_NUMBER.fullmatch(value)):
        value = f"CHE-{swiss[1]}.{swiss[2]}.{swiss[3]} {swiss[4]}"
    if country in COUNTRIES_WITHOUT_TAX_ID:
        raise StripeError("The sandbox does not support tax ids of this country.", param="country")
    return TAX_TYPES.get(country, "eu_vat"), value
