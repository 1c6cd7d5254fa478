"""The web role may add to the ledger of seats and read it; it can neither rewrite nor remove a line."""

from django.conf import settings
from django.db import connection, migrations

ROLE = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("tenancy", "0002_web_role")]

    operations = [
        # Default privileges have granted everything on every new table.
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON billing_seatchange FROM {ROLE}",
            reverse_sql=f"GRANT UPDATE, DELETE ON billing_seatchange TO {ROLE}",
        ),
    ]
