from django.db import migrations, models


def add_kinds(apps, schema_editor):
    kind = apps.get_model("events", "Kind")
    kind.objects.create(id=1, name="Plain")
    kind.objects.bulk_create([kind(id=2, name="50 % off"), kind(id=3, name="it's")])


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "Kind",
            [
                ("id", models.IntegerField(primary_key=True)),
                ("name", models.CharField(max_length=50)),
            ],
        ),
        migrations.RunPython(add_kinds, migrations.RunPython.noop),
    ]
