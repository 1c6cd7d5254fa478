"""Answer health requests fast in any state of the database."""

import threading

import pytest
from django.db import OperationalError
from django.test import Client

from kit import health


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = "kit.urls"
    return Client()


def test_livez_runs_no_query(client):
    assert client.get("/livez").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_is_ready_on_a_migrated_database(client, settings):
    response = client.get("/readyz")

    body = {"status": "ok", "version": settings.VERSION, "failed": []}
    assert (response.status_code, response.json()) == (200, body)


def test_failing_checks_are_named():
    probe = health.Probe({"keys": lambda: False, "database": lambda: True})

    assert probe.failures() == ["keys"]


def test_lost_database_is_named():
    def lost():
        raise OperationalError

    assert health.Probe({"migrations": lost}).failures() == ["database"]


def test_hanging_check_is_limited_and_not_started_twice():
    release, started = threading.Event(), []

    def hang():
        started.append(1)
        return release.wait(30)

    probe = health.Probe({"database": hang}, limit=0.05)

    assert [probe.failures() for _ in range(3)] == [["timeout"]] * 3
    release.set()
    probe.limit = 10
    assert probe.failures() == []
    assert len(started) <= 2


def test_slow_check_runs_until_it_succeeds_once():
    answers = iter([False, True])
    check = health.cache_success(lambda: next(answers))

    assert [check(), check(), check()] == [False, True, True]


def test_not_ready_is_503(client, monkeypatch):
    monkeypatch.setattr(health, "probe", health.Probe({"keys": lambda: False}))

    response = client.get("/readyz")

    assert (response.status_code, response.json()["failed"]) == (503, ["keys"])


@pytest.mark.parametrize(
    ("token", "given"),
    [("", ""), ("", "Bearer "), ("right", ""), ("right", "Bearer wrong"), ("right", "Bearer ü")],
)
def test_metrics_without_the_token_are_not_found(client, settings, token, given):
    settings.METRICS_TOKEN = token

    assert client.get("/metrics", headers={"authorization": given}).status_code == 404


def test_metrics_are_shown_with_the_token(client, settings, monkeypatch):
    monkeypatch.setattr(health, "gauges", [])
    settings.METRICS_TOKEN = "right"
    settings.METRICS_DIRECTORY = ""

    response = client.get("/metrics", headers={"authorization": "Bearer right"})

    assert response["Content-Type"].startswith("text/plain")
    assert b"python_info" in response.content


def test_metrics_of_several_processes_are_summed(client, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "gauges", [])
    settings.METRICS_TOKEN = "right"
    settings.METRICS_DIRECTORY = str(tmp_path)

    response = client.get("/metrics", headers={"authorization": "Bearer right"})

    assert (response.status_code, response.content) == (200, b"")
