"""Stripe's own pages for invoices and payment methods."""

from billing import providers, redirects
from billing.customers import customers
from tenancy.models import Organization


def create(*, organization: Organization, return_url: str, email: str = "") -> str:
    """A short-lived link for this click. Raises RedirectNotAllowed, VendorUnavailable."""
    redirects.require_allowed("return_url", return_url)
    customer_id = customers.ensure(organization=organization, email=email)
    with customers.refusals(customer_id, "the portal"):
        return providers.current().open_portal(customer_id, return_url=return_url)
