import django.db.models.functions.text
import kit.ids
from django.conf import settings
from django.db import connection, migrations, models

ROLE = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)

GRANT = f"""
GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {ROLE};
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {ROLE};
"""

REVOKE = f"""
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON SCHEMAS FROM {ROLE};
ALTER DEFAULT PRIVILEGES REVOKE USAGE, SELECT ON SEQUENCES FROM {ROLE};
ALTER DEFAULT PRIVILEGES REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM {ROLE};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {ROLE};
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE};
REVOKE USAGE ON SCHEMA public FROM {ROLE};
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("stytch_org_id", models.CharField(max_length=128, null=True, unique=True)),
                ("name", models.CharField(max_length=128)),
                ("slug", models.CharField(max_length=128)),
                ("schema_name", models.CharField(editable=False, max_length=63, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("migrating", "Migrating"),
                            ("deleted", "Deleted"),
                        ],
                        default="active",
                        max_length=16,
                    ),
                ),
                ("suspension_reason", models.CharField(blank=True, max_length=500)),
                ("state_changed_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "changed_at",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("slug"),
                        condition=models.Q(("state", "deleted"), _negated=True),
                        name="organization_slug_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantSchema",
            fields=[
                ("name", models.CharField(max_length=63, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("spare", "Spare"),
                            ("reserved", "Reserved"),
                            ("claimed", "Claimed"),
                        ],
                        default="spare",
                        max_length=8,
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("reserved_until", models.DateTimeField(blank=True, null=True)),
                ("reserved_slug", models.CharField(blank=True, max_length=128)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["spare", "reserved"])),
                        fields=["created_at"],
                        name="tenant_schema_unclaimed",
                    ),
                    models.Index(fields=["digest"], name="tenant_schema_digest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state", "reserved"), models.Q(("reserved_slug", ""), _negated=True)
                        ),
                        fields=("reserved_slug",),
                        name="tenant_schema_reserved_slug_unique",
                    )
                ],
            },
        ),
        # What the web role may do with rows, now and in every table and schema to come.
        migrations.RunSQL(GRANT, REVOKE),
    ]
