"""The web role may insert and read events but neither update nor delete them."""

from django.conf import settings
from django.db import connection, migrations

ROLE = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [
        # Default privileges have granted everything on every new table.
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON events_event FROM {ROLE}",
            reverse_sql=f"GRANT UPDATE, DELETE ON events_event TO {ROLE}",
        ),
    ]
