"""What a list costs: all its statements, those of the session check included."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

MAX_STATEMENTS = {
    "members": 2,
    "invitations": 2,
    "billing/invoices": 2,
    "billing/seats/history": 3,
    "events": 5,  # the schema, the page, and a look-up of names for each kind of thing in it
}


@pytest.mark.parametrize(("path", "maximum"), MAX_STATEMENTS.items())
def test_list_runs_few_statements(acme, committed, path, maximum):
    client = Client(headers={"authorization": f"Bearer {acme.token('admin')}"})
    client.get("/v1/me")  # leaves the schema of an earlier request

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"{acme.path}/{path}")

    statements = [query["sql"] for query in captured]
    if connection.pg_version < 180_000:  # sets the schema before each statement
        statements = [sql for sql in statements if not sql.startswith("SET search_path")]
    assert answer.status_code == 200
    assert len(statements) <= maximum, [sql[:80] for sql in statements]
