"""Addresses of the front end's billing pages."""

from django.conf import settings

from tenancy.models import Organization


def get_billing_url(organization: Organization) -> str:
    """Return the front end's billing page of an organization, blank if none is configured."""
    return str(settings.FRONTEND_BILLING_URL).replace("{slug}", organization.slug)
