"""Check method, session, organization, permission and parameters in this order."""

import pytest
from django.core.checks import Error
from django.urls import path
from rest_framework.response import Response

from kit import checks
from kit.views import APIView
from tests.kit import routes


def test_session_is_accepted(signed_in_client):
    assert signed_in_client.get("/notes").json()["organization"] == "acme"


def test_bad_token_is_refused(anonymous_client):
    response = anonymous_client.get("/notes", headers={"authorization": "Bearer junk"})

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_public_calls_do_not_read_the_token(anonymous_client):
    response = anonymous_client.post(
        "/notes",
        {"title": "x"},
        content_type="application/json",
        headers={"authorization": "Bearer expired"},
    )

    assert response.status_code == 201


@pytest.mark.parametrize("method", ["get", "head"])
def test_missing_permission_is_refused(anonymous_client, method):
    response = getattr(anonymous_client, method)(
        "/books", headers={"authorization": "Bearer without-permission"}
    )

    assert response.status_code == 403


def test_view_without_declared_access_is_refused(signed_in_client):
    response = signed_in_client.get("/undeclared")

    assert (response.status_code, response.json()["code"]) == (403, "access_not_declared")


def test_permission_is_checked_before_parameters(anonymous_client):
    response = anonymous_client.get(
        "/books?junk=1", headers={"authorization": "Bearer without-permission"}
    )

    assert response.status_code == 403


def test_schema_is_activated_before_the_permission_is_checked(rf):
    steps = []

    class View(APIView):
        access = "shelf.read"
        permission_classes = []

        def perform_authentication(self, request):
            request.auth = routes.SESSIONS["acme"]
            steps.append("authenticated")

        def enter(self, _request):
            steps.append("entered")

        def check_permissions(self, _request):
            steps.append("permitted")

        def check_throttles(self, _request):
            steps.append("counted")

        def get(self, _request):
            return Response(steps)

    View.as_view()(rf.get("/"))

    assert steps == ["authenticated", "entered", "permitted", "counted"]


@pytest.mark.parametrize("method", ["put", "delete", "trace", "patch"])
def test_wrong_method_is_refused_before_authentication(anonymous_client, method):
    response = getattr(anonymous_client, method)("/notes")

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_unknown_method_is_refused(anonymous_client):
    assert anonymous_client.generic("BREW", "/notes").status_code == 405


def test_options_lists_only_the_methods(anonymous_client):
    response = anonymous_client.options("/books")

    assert (response.status_code, response.content) == (204, b"")
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_head_answers_like_get(signed_in_client):
    response = signed_in_client.head("/notes")

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("accept", ["text/html", "application/xml"])
def test_other_accept_types_are_refused(anonymous_client, accept):
    response = anonymous_client.get("/notes", headers={"accept": accept})

    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")


def test_request_that_accepts_only_problems_is_answered(signed_in_client):
    """Accept only problems, as Swagger UI does where a success has no body."""
    response = signed_in_client.get("/notes", headers={"accept": "application/problem+json"})

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_nul_in_a_path_is_not_found(anonymous_client):
    assert anonymous_client.get("/fails/a%00b").status_code == 404


def test_broken_utf8_in_a_path_is_not_found(signed_in_client):
    assert signed_in_client.get("/notes%ff").status_code == 404


def test_unknown_hosts_are_refused(anonymous_client):
    response = anonymous_client.get("/notes", headers={"host": "evil.example"})

    assert (response.status_code, response.json()["code"]) == (400, "malformed")


def test_check_names_views_without_declared_access():
    assert [(view, missing) for view, missing in checks.undeclared(routes.urlpatterns)] == [
        (routes.Undeclared, ["get"])
    ]


def test_check_reads_action_mappings():
    class Half(routes.Books):
        access = {"list": "shelf.read"}

    patterns = [path("x", Half.as_view({"get": "retrieve", "post": "list"}))]

    assert list(checks.undeclared(patterns)) == [(Half, ["retrieve"])]


def test_check_is_an_error(settings):
    settings.ROOT_URLCONF = "tests.kit.routes"

    found = checks.every_route_declares_access()

    assert [type(message) for message in found] == [Error]
    assert "Undeclared" in found[0].msg
