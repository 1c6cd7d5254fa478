import django.utils.timezone
import kit.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="InboundEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.CharField(max_length=32)),
                ("external_id", models.CharField(max_length=255)),
                ("type", models.CharField(max_length=128)),
                ("object_key", models.CharField(blank=True, max_length=255)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("processing", "Processing"),
                            ("succeeded", "Succeeded"),
                            ("retrying", "Retrying"),
                            ("failed", "Failed"),
                            ("ignored", "Ignored"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("livemode", models.BooleanField()),
                ("payload", models.TextField(blank=True)),
                ("occurred_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("first_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                ("organization_hint", models.CharField(blank=True, max_length=255)),
                ("organization_id", models.UUIDField(blank=True, null=True)),
                ("user_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "db_table": "inbound_event",
                "ordering": ["-received_at"],
                "indexes": [
                    models.Index(fields=["-received_at"], name="inbound_event_received"),
                    models.Index(
                        condition=models.Q(("state__in", ["succeeded", "ignored"]), _negated=True),
                        fields=["state", "next_attempt_at"],
                        name="inbound_event_open",
                    ),
                    models.Index(
                        fields=["source", "type", "-received_at"], name="inbound_event_type"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "external_id"), name="inbound_event_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "pending",
                                    "processing",
                                    "succeeded",
                                    "retrying",
                                    "failed",
                                    "ignored",
                                ],
                            )
                        ),
                        name="inbound_event_state",
                    ),
                ],
            },
        ),
    ]
