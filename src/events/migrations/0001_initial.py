import django.core.serializers.json
import django.utils.timezone
import kit.ids
from django.conf import settings
from django.db import connection, migrations, models

ROLE = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("type", models.CharField(max_length=64)),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("actor_kind", models.CharField(max_length=16)),
                ("actor_id", models.CharField(blank=True, max_length=128)),
                ("target_type", models.CharField(max_length=32)),
                ("target_id", models.CharField(max_length=128)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                (
                    "details",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                ("ip", models.CharField(blank=True, max_length=64)),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "ordering": ["-occurred_at", "-id"],
                "indexes": [
                    models.Index(fields=["occurred_at", "id"], name="events_event_time"),
                    models.Index(fields=["type", "occurred_at"], name="events_event_type"),
                    models.Index(fields=["actor_id", "occurred_at"], name="events_event_actor"),
                    models.Index(fields=["target_id", "occurred_at"], name="events_event_target"),
                ],
            },
        ),
        # Default privileges have granted everything on every new table.
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON events_event FROM {ROLE}",
            reverse_sql=f"GRANT UPDATE, DELETE ON events_event TO {ROLE}",
        ),
    ]
