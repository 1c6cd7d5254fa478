"""Check the environment before the product starts."""

import os
import subprocess
import sys

import pytest

from config.mail import parse_mail_url
from tests.harness.plugin import ROOT

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "kEgJ2w9XvT0cQ8nR4yL6mZ1bH7sD3fA5uP-oI_eW9qYtKxVjNzBdGhCr",
    "PUBLIC_URL": "https://api.example.com",
    "FRONTEND_ORIGINS": "https://app.example.com",
    "AUTH_REDIRECT_URL": "https://app.example.com/sign-in",
}


def run_manage(*arguments, without=(), **changed):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **changed}
    for name in without:
        environment.pop(name)
    return subprocess.run(
        [sys.executable, "src/manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_all_missing_variables_are_reported_at_once():
    missing = ("SECRET_KEY", "STYTCH_SECRET", "STRIPE_SECRET_KEY", "AUTH_REDIRECT_URL")

    answer = run_manage("check", without=missing)

    assert answer.returncode == 1
    assert all(name in answer.stderr for name in missing)
    assert "Traceback" not in answer.stderr


def test_wrong_variable_is_named_without_its_value():
    answer = run_manage("check", SECRET_KEY="tooshort", SPARE_SCHEMAS="many")

    assert "SECRET_KEY" in answer.stderr
    assert "SPARE_SCHEMAS" in answer.stderr
    assert "tooshort" not in answer.stderr


def test_mail_server_is_required_while_notices_are_on():
    missing = ("EMAIL_URL", "DEFAULT_FROM_EMAIL")

    answer = run_manage("check", without=missing)

    assert answer.returncode == 1
    assert all(name in answer.stderr for name in missing)
    assert run_manage("check", without=missing, BILLING_NOTICES="false").returncode == 0


@pytest.mark.parametrize("url", ["imap://mail.example", "smtp://", "smtp://user:secret/more@host"])
def test_wrong_mail_url_is_named_without_its_value(url):
    answer = run_manage("check", EMAIL_URL=url)

    assert answer.returncode == 1
    assert "EMAIL_URL" in answer.stderr
    assert "secret" not in answer.stderr


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://mail.example", {"host": "mail.example", "port": None}),
        ("smtps://mail.example:4465", {"port": 4465, "use_ssl": True}),
        ("smtp+tls://a%40b:p%2Fw@mail.example", {"username": "a@b", "password": "p/w", "use_tls": True}),
    ],
)  # fmt: skip
def test_mail_url_is_read(url, options):
    assert options.items() <= parse_mail_url(url)["OPTIONS"].items()


def test_unreachable_database_is_reported_in_one_sentence():
    answer = run_manage("migrate_all", DATABASE_OWNER_URL="postgresql://owner@127.0.0.1:1/tenantry")

    assert answer.returncode == 1
    assert "The database cannot be reached" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.django_db  # checks look at the database's schema state
def test_deployment_check_is_clean_in_production():
    answer = run_manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout


def test_production_shows_no_traceback():
    answer = run_manage(
        "shell", "-v0", "-c", "from django.conf import settings; print(settings.DEBUG)"
    )

    assert answer.stdout.strip() == "False"
