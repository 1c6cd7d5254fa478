"""Install Django's admin with our own site class."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Register all admin pages at the site that asks for a second factor."""

    default_site = "kit.staff.site.StaffSite"
