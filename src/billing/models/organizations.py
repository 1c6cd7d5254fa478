"""Organizations as the billing pages of the admin list them."""

from tenancy.models import Organization


class OrganizationBilling(Organization):
    """An organization with its customer, its subscriptions and its seats.

    A proxy without columns, so that billing has its own list, page and permissions in the admin.
    """

    class Meta:
        proxy = True
        verbose_name = "billing of an organization"
        verbose_name_plural = "billing by organization"
