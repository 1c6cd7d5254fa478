"""Give each request an id, a client address and one line in the log."""

import logging

import pytest
from django.http import HttpResponse

from kit import actor
from kit.middleware import RequestId, get_client_ip


def get_actor_in_view(request):
    """Return the actor that a view reads."""
    seen = []

    def view(_request):
        seen.append(actor.get_actor())
        return HttpResponse()

    response = RequestId(view)(request)
    return seen[0], response


@pytest.mark.parametrize("given", ["abc", "A-1_b.C", "x" * 64])
def test_valid_request_id_is_kept(rf, given):
    found, response = get_actor_in_view(rf.get("/", headers={"x-request-id": given}))

    assert found.request_id == response["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", "ü", "<script>", "a;b"])
def test_invalid_request_id_is_replaced(rf, given):
    found, response = get_actor_in_view(rf.get("/", HTTP_X_REQUEST_ID=given))

    assert found.request_id == response["X-Request-Id"] != given
    assert len(found.request_id) == 36


def test_actor_is_anonymous_before_authentication(rf):
    found, _ = get_actor_in_view(rf.get("/"))

    assert (found.kind, found.id) == ("system", "")


def test_actor_is_reset_after_the_request(rf):
    before = actor.get_actor()

    get_actor_in_view(rf.get("/", headers={"x-request-id": "abc"}))

    assert actor.get_actor() == before


def test_user_agent_is_shortened_and_cleaned(rf):
    found, _ = get_actor_in_view(rf.get("/", headers={"user-agent": "a\0\x1b" + "x" * 400}))

    assert found.user_agent == "a" + "x" * 299


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "10.0.0.9"),
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.8", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (1, "junk", "10.0.0.9"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "::ffff:1.1.1.1", "1.1.1.1"),
    ],
)
def test_only_a_trusted_proxy_sets_the_client_address(rf, settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies

    request = rf.get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR=forwarded)

    assert get_client_ip(request) == address


def test_requests_without_an_address_are_served(rf):
    assert get_client_ip(rf.get("/", REMOTE_ADDR="")) == ""


def test_log_line_holds_the_path_without_its_query(anonymous_client, caplog):
    with caplog.at_level(logging.INFO):
        anonymous_client.get("/notes?email=ada@example.com", headers={"x-request-id": "abc"})

    (line,) = [record.msg for record in caplog.records if "request_finished" in str(record.msg)]
    assert (line["path"], line["status"], line["request_id"]) == ("/notes", 401, "abc")
    assert "ada" not in str(line)
