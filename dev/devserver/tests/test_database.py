"""The embedded PostgreSQL lives exactly as long as the commands that hold it."""

import signal
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.harness.stack import poll

SHOW = ["with", "--", "sh", "-c", "echo $DATABASE_OWNER_URL; echo $DATABASE_URL"]
WAIT = ["with", "--", "sh", "-c", "echo held $DATABASE_OWNER_URL; exec sleep 60"]


def owner_url(checkout):
    poll(lambda: checkout.root.joinpath("output.txt").exists() and checkout.says("held"))
    return checkout.output.split("held ")[1].split()[0]


def query(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone()


def test_command_finds_both_roles_and_the_owners_database(checkout):
    checkout.start(*WAIT)
    url = owner_url(checkout)

    assert query(url, "SELECT current_user, current_database()") == ("tenantry_owner", "tenantry")
    assert query(url.replace("_owner", "_web"), "SELECT current_user") == ("tenantry_web",)
    assert query(
        url, "SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
    ) == (
        True,
        False,
    )


def test_last_command_to_leave_stops_the_server(checkout):
    first, second = checkout.start(*WAIT), checkout.start(*WAIT)
    poll(
        lambda: checkout.root.joinpath("output.txt").exists() and checkout.output.count("held") == 2
    )

    first.kill()
    first.wait()
    assert query(owner_url(checkout), "SELECT 1") == (1,)

    second.kill()
    second.wait()
    poll(checkout.is_empty, what="an empty machine")


def test_server_recovers_after_everything_was_killed(checkout):
    command = checkout.start(*WAIT)
    with psycopg.connect(owner_url(checkout)) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    for process in checkout.processes():
        process.send_signal(signal.SIGKILL)
    command.wait()
    checkout.root.joinpath("output.txt").unlink()

    checkout.start(*WAIT)

    assert query(owner_url(checkout), "SELECT to_regclass('kept') IS NOT NULL") == (True,)


def test_killed_keeper_takes_its_server_along_and_the_next_command_starts_another(checkout):
    checkout.start(*WAIT)
    owner_url(checkout)
    (keeper,) = checkout.processes("devserver.keeper")
    keeper.send_signal(signal.SIGKILL)
    keeper.wait(timeout=10)

    assert checkout.do(*SHOW).returncode == 0


def test_killed_first_start_leaves_nothing_half_made(checkout):
    begun = checkout.start(*WAIT)
    state = checkout.root / ".devserver"
    poll(lambda: list(state.glob("postgres.*/base")), every=0.001, what="initdb")
    for process in checkout.processes():
        process.send_signal(signal.SIGKILL)
    begun.wait()

    assert "tenantry_owner" in checkout.do(*SHOW).stdout


def test_two_checkouts_do_not_meet(make_checkout):
    one, other = make_checkout("one"), make_checkout("other")
    one.start(*WAIT)
    other.start(*WAIT)

    assert owner_url(one) != owner_url(other)


def test_deep_checkout_still_fits_a_socket(make_checkout):
    deep = make_checkout("/".join(["a rather long folder name"] * 6))

    assert "tenantry_owner" in deep.do(*SHOW).stdout


def test_checkout_in_a_private_folder_works(make_checkout):
    private = make_checkout("private/checkout")
    private.root.parent.chmod(0o700)

    assert "tenantry_owner" in private.do(*SHOW).stdout


def test_clean_leaves_nothing_anywhere(make_checkout):
    private = make_checkout("private/checkout")
    private.root.parent.chmod(0o700)
    url = private.do(*SHOW).stdout.split()[0]
    sockets = conninfo_to_dict(url)["host"]
    private.do("clean")

    assert not private.root.joinpath(".devserver").exists()
    assert not Path(sockets).exists()
    assert not list(Path("/var/tmp").glob(f"*{sockets[-12:]}"))


def test_commands_status_is_passed_on(checkout):
    assert checkout.do("with", "--", "sh", "-c", "exit 7").returncode == 7


def test_named_databases_are_used_instead(checkout):
    urls = {"DATABASE_URL": "postgresql://w@db/x", "DATABASE_OWNER_URL": "postgresql://o@db/x"}

    assert checkout.do(*SHOW, **urls).stdout.split() == [
        "postgresql://o@db/x",
        "postgresql://w@db/x",
    ]
    assert checkout.is_empty()


def test_half_named_databases_are_refused(checkout):
    done = checkout.do(*SHOW, DATABASE_URL="postgresql://w@db/x")

    assert done.returncode == 1
    assert "DATABASE_OWNER_URL" in done.stderr


def test_stop_ends_the_server_under_a_command(checkout):
    checkout.start(*WAIT)
    owner_url(checkout)

    assert checkout.do("stop").returncode == 0
    assert not checkout.processes("devserver.keeper")


@pytest.fixture
def migrated(make_checkout):
    """A checkout whose database holds one app, and a way to run it and to apply an app's migration."""
    checkout = make_checkout()
    holder = checkout.start(*WAIT)
    url = owner_url(checkout)

    class Migrated:
        def write(self, app, text):
            initial = checkout.root / f"src/{app}/migrations/0001_initial.py"
            initial.parent.mkdir(parents=True, exist_ok=True)
            initial.write_text(text)

        def apply(self, app):
            with psycopg.connect(url) as db:
                db.execute("CREATE TABLE IF NOT EXISTS django_migrations (app text, name text)")
                db.execute("INSERT INTO django_migrations VALUES (%s, '0001_initial')", [app])

        def forget(self):
            holder.kill()
            checkout.do("clean")

        def run(self, **environment):
            return checkout.do("run", "--", "true", **environment)

    one = Migrated()
    one.write("notes", "first")
    return one


def test_database_of_a_rewritten_initial_migration_is_refused(migrated):
    assert migrated.run().returncode == 0
    migrated.apply("notes")
    assert migrated.run().returncode == 0
    migrated.write("notes", "second")

    refused = migrated.run()
    migrated.forget()

    assert refused.returncode == 1
    assert "notes" in refused.stderr
    assert "make clean" in refused.stderr
    assert migrated.run().returncode == 0


def test_database_from_before_migrations_were_recorded_is_refused(migrated):
    migrated.apply("notes")

    assert "make clean" in migrated.run().stderr


def test_new_app_and_an_interrupted_migration_are_accepted(migrated):
    assert migrated.run(STANDIN="broken migration").returncode == 1
    migrated.apply("notes")  # as far as it came
    migrated.write("projects", "never applied")
    assert migrated.run().returncode == 0
    migrated.write("projects", "rewritten before it was applied")

    assert migrated.run().returncode == 0
