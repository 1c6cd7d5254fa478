import uuid

from django.db import migrations, models


def greet(apps, schema_editor):
    apps.get_model("events", "Greeting").objects.create(text="Welcome")


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "Greeting",
            [
                ("id", models.UUIDField(primary_key=True, default=uuid.uuid4)),
                ("text", models.CharField(max_length=50)),
            ],
        ),
        migrations.RunPython(greet, migrations.RunPython.noop),
    ]
