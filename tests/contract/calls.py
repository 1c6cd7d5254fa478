"""How the generated tests call an operation, and name their cases."""

import pytest

from tests.contract import table

# A refusal does not wait for the body: whether the connection stays open is a matter of timing.
PASSING = {"connection", "date", "x-request-id"}


def each(operations):
    """One test per operation, called by its id."""
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.id)


def call(api, operation, values, **options):
    """With a good body, unless told otherwise."""
    if operation.body and not options.keys() & {"json", "content"}:
        options["json"] = table.BODIES[operation.id]
    return api.request(operation.method, operation.url(**values), **options)


def told(answer):
    """All that a caller is told, but for what differs between any two requests."""
    own = answer.headers["X-Request-Id"]
    headers = {k: v for k, v in answer.headers.items() if k not in PASSING}
    return answer.status_code, headers, answer.text.replace(own, "")
