"""Redact secrets and personal data from the logs."""

import json
import logging

import pytest
import structlog

from kit import logs

SECRETS = {
    "bearer": "Authorization: Bearer abc.def-123",
    "jwt": "token was eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "webhook secret": "whsec_c2FuZGJveC1zdHl0Y2g=",
    "stripe key": "used sk_test_51Habcdef",
    "stytch secret": "secret-live-abcdefgh=",
    "dsn": "postgresql://owner:hunter2@db/tenantry",
    "e-mail": "Key (email)=(ada@example.com) already exists",
}


def redact(**event):
    return logs.redact_event(None, "info", event)


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS.keys())
def test_secrets_are_removed_by_their_format(text):
    cleaned = str(redact(event="x", detail=text, nested={"list": [text]}))

    assert logs.REDACTED in cleaned
    for secret in ("abc.def", "eyJ", "c2Fu", "51H", "abcdefgh", "hunter2", "ada@"):
        assert secret not in cleaned


@pytest.mark.parametrize("key", ["session_token", "client_secret", "password", "email", "Cookie"])
def test_secrets_are_removed_by_their_name(key):
    assert redact(**{key: "opaque"}) == {key: logs.REDACTED}


def test_other_values_pass():
    event = {"event": "seat_synced", "seats": 3, "organization_id": "0192-abc", "flags": ["a"]}

    assert redact(**event) == event


def build_formatter(style):
    configuration = logs._configure_standard([], style, "INFO")
    return logging.config.dictConfig, configuration["formatters"]["structured"]


def render(style, record):
    shared = [structlog.stdlib.add_log_level, structlog.contextvars.merge_contextvars]
    options = dict(logs._configure_standard(shared, style, "INFO")["formatters"]["structured"])
    return options.pop("()")(**options).format(record)


def build_record(message, exc_info=None):
    return logging.LogRecord("x", logging.ERROR, "x.py", 1, message, (), exc_info)


def test_json_lines_carry_the_request_id():
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        line = json.loads(render("json", build_record("library_spoke")))

    assert (line["event"], line["request_id"], line["level"]) == ("library_spoke", "abc", "error")


@pytest.mark.parametrize("style", ["json", "console"])
def test_tracebacks_are_redacted_too(style):
    error = ValueError("cannot reach postgresql://owner:hunter2@db/x")

    line = render(style, build_record("failed", (ValueError, error, None)))

    assert "hunter2" not in line
    assert "ValueError" in line
