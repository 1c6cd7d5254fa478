"""The admin site: what every page shares, and the pages for the tables of libraries."""

import kit.admin.library  # noqa: F401 - Django discovers the registrations as `kit.admin`
