"""The web role may insert and read ledger rows but neither update nor delete them."""

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
