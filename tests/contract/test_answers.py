"""Read every operation; the client checks each answer against the OpenAPI document."""

from identity import roles
from tests.contract import table
from tests.contract.calls import call, for_each_operation
from tests.harness.contract import operations

READS = [operation for operation in operations() if operation.method == "GET"]
VIEWER = {"", *roles.permissions(roles.Role.VIEWER)}


@for_each_operation(READS)
def test_read_of_a_subscribed_organization_matches_the_contract(api, acme, owned, operation):
    answer = call(api, operation, owned.build_path_values(operation), token=acme.admin.token)

    assert answer.status_code == operation.success


@for_each_operation([operation for operation in READS if {"id"}.isdisjoint(operation.names)])
def test_read_of_a_new_organization_matches_the_contract(api, globex, operation):
    values = {"slug": globex.slug, "feature_key": "audit_history"}

    answer = call(api, operation, values, token=globex.viewer.token)

    assert answer.status_code == (operation.success if operation.permission in VIEWER else 403)


@for_each_operation([operation for operation in READS if "limit" in operation.queries])
def test_page_has_the_requested_size(api, acme, owned, operation):
    values = owned.build_path_values(operation)

    first = call(api, operation, values, token=acme.admin.token, params={"limit": 1}).json()
    whole = call(api, operation, values, token=acme.admin.token, params={"limit": 200}).json()

    assert first["results"] == whole["results"][:1]
    assert bool(first["next"]) == (len(whole["results"]) > 1)
    assert whole["next"] is None


@for_each_operation(READS)
def test_head_answers_like_get_without_a_body(api, acme, owned, operation):
    url = operation.url(**owned.build_path_values(operation))

    params = table.QUERIES.get(operation.id)
    answer = api.request("HEAD", url, token=acme.admin.token, params=params)

    assert answer.status_code == operation.success
    assert answer.content == b""
