from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("events", "0002_kinds")]
    operations = [
        migrations.RunSQL("""
            CREATE MATERIALIZED VIEW notes_summary AS SELECT count(*) AS n FROM events_kind;
        """),
        migrations.RunSQL(
            "create function notes_ping() returns int language sql as 'select 1' -- always"
        ),
        migrations.RunSQL("-- the first\nCREATE SEQUENCE notes_numbers START 7"),
        migrations.RunSQL("/* a mood */ create type notes_mood as enum ('good', 'bad')"),
        migrations.RunSQL("SELECT 1; comment on table events_kind is 'kinds of notes'"),
        migrations.RunSQL(
            "with old as (select 2 as id) delete from events_kind using old where events_kind.id = old.id"
        ),
    ]
