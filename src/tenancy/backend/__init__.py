"""The database engine: django-tenants' own, with fewer words."""
