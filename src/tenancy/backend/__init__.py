"""Database backend of django-tenants with fewer statements."""
