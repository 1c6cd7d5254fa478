"""The variables handed out need no thought on a laptop, and never mix two vendors' worlds."""

import pytest

from devserver import environment
from devserver.environment import Addresses
from support.errors import Refusal

DATABASES = {"DATABASE_URL": "postgresql://w@db/x", "DATABASE_OWNER_URL": "postgresql://o@db/x"}
STYTCH = {
    "STYTCH_PROJECT_ID": "project-test-1",
    "STYTCH_SECRET": "secret-test-1",
    "STYTCH_PUBLIC_TOKEN": "public-token-test-1",
}
HERE = Addresses(web=8001, sandbox=8601)


def complete(**given):
    return environment.complete_environment(DATABASES | given, HERE)


def test_both_vendors_are_the_sandbox_by_default():
    variables = complete()

    assert variables["STYTCH_BASE_URL"] == "http://127.0.0.1:8601"
    assert variables["STRIPE_BASE_URL"] == "http://127.0.0.1:8601/stripe"
    assert variables["SANDBOX_WEBHOOK_BASE"] == "http://127.0.0.1:8001/webhooks"


def test_real_keys_reach_the_real_vendor():
    variables = complete(**STYTCH, STRIPE_SECRET_KEY="sk_test_1")

    assert variables["STYTCH_BASE_URL"] == variables["STRIPE_BASE_URL"] == ""
    assert variables["STYTCH_WEBHOOK_SECRET"] == variables["STRIPE_WEBHOOK_SECRET"] == ""
    assert not environment.uses_sandbox(variables)


def test_real_keys_of_one_vendor_leave_the_other_in_the_sandbox():
    variables = complete(STRIPE_SECRET_KEY="sk_test_1")

    assert variables["STRIPE_BASE_URL"] == ""
    assert variables["STYTCH_BASE_URL"] == "http://127.0.0.1:8601"


def test_sandbox_never_sees_a_real_key():
    variables = complete(STRIPE_SECRET_KEY="sk_live_1")

    assert "sk_live_1" not in environment.for_sandbox(variables, HERE).values()


def test_half_a_pair_of_keys_is_refused():
    with pytest.raises(Refusal, match="STYTCH_SECRET"):
        complete(STYTCH_PROJECT_ID="project-test-1")


def test_what_was_handed_out_is_understood_when_handed_in_again():
    variables = complete()

    assert environment.complete_environment(variables, HERE) == variables


def test_tests_do_not_see_the_shells_keys(monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_1")

    assert "STRIPE_SECRET_KEY" not in environment.read_given()


def test_env_file_is_read_and_the_shell_wins(checkout):
    checkout.root.joinpath(".env").write_text(
        "LOG_FORMAT=json\nPUBLIC_URL=https://file.example\nSPARE_SCHEMAS=\n"
    )
    script = "echo $LOG_FORMAT $PUBLIC_URL $SPARE_SCHEMAS"
    shell = DATABASES | {"PUBLIC_URL": "https://shell.example"}

    assert (
        checkout.do("with", "--", "sh", "-c", script, **shell).stdout
        == "json https://shell.example 4\n"
    )


def test_secret_key_stays_and_is_private(checkout):
    show = ["with", "--", "sh", "-c", "echo $SECRET_KEY"]
    first, second = checkout.do(*show, **DATABASES).stdout, checkout.do(*show, **DATABASES).stdout

    assert first == second
    assert len(first) > 50
    assert checkout.root.joinpath(".devserver/secret_key").stat().st_mode & 0o777 == 0o600


def test_sandbox_stays_among_the_front_ends_that_are_set():
    variables = complete(FRONTEND_ORIGINS="http://localhost:4200")

    assert variables["FRONTEND_ORIGINS"] == "http://localhost:4200,http://127.0.0.1:8601"
