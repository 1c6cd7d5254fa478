"""Base classes of the admin site, and its pages for the tables of libraries."""

import kit.admin.library  # noqa: F401 - Django discovers the registrations as `kit.admin`
