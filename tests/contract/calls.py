"""Call an operation in the generated tests, and compare its answers."""

import pytest

from tests.contract import table

# A refusal does not read the body, so whether the connection stays open is a matter of timing.
VARYING_HEADERS = {"connection", "date", "x-request-id"}


def for_each_operation(operations):
    """Parametrize a test with operations, by their ids."""
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.id)


def call(api, operation, values, **options):
    """Call an operation with a valid body, unless another one is given, and a valid query."""
    if operation.body and not options.keys() & {"json", "content"}:
        options["json"] = table.BODIES[operation.id]
    if required := table.QUERIES.get(operation.id):
        options["params"] = required | options.get("params", {})
    return api.request(operation.method, operation.url(**values), **options)


def get_comparable_answer(answer):
    """Return status, headers and text, without what differs between any two requests."""
    request_id = answer.headers["X-Request-Id"]
    headers = {k: v for k, v in answer.headers.items() if k not in VARYING_HEADERS}
    return answer.status_code, headers, answer.text.replace(request_id, "")
