"""The provider's own pages for invoices and payment methods."""

from billing import providers
from billing.customers import customers
from kit import redirects
from tenancy.models import Organization


def create_portal_link(*, organization: Organization, return_url: str, email: str = "") -> str:
    """Return a short-lived link to the portal.

    Raises RedirectNotAllowed and VendorUnavailable.
    """
    redirects.require_allowed("/return_url", return_url)
    customer = customers.ensure_customer(organization=organization, email=email)
    with customers.translate_refusals(customer, "the portal"):
        return providers.get_provider(customer.provider).open_portal(
            customer.external_id, return_url=return_url
        )
