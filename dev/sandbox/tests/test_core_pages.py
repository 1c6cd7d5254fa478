"""The pages for people.

They show what happened, escape it, and say what comes next.
"""

import html
import re

import pytest


def page(control, path):
    answer = control.http.get(path)
    assert answer.status_code == 200
    return answer.text


def test_home_counts_what_happened(client, control, acme):
    client.magic_links.email.discovery.send("ada@acme.example")
    control.advance(days=3)

    shown = page(control, "/")

    assert "1 mail<" in shown
    assert "3 days ahead" in shown


def test_inbox_shows_a_link_to_open(client, control):
    client.magic_links.email.discovery.send("ada@acme.example")

    shown = page(control, "/inbox")
    link = html.unescape(re.search(r'href="([^"]+)">Open link', shown)[1])

    assert link == control.mail("ada@acme.example")["link"]


def test_inbox_shows_one_address_only_when_asked(client, control):
    for address in ("ada@acme.example", "bob@acme.example"):
        client.otps.email.discovery.send(address)

    shown = page(control, "/inbox?email=bob%40acme.example")

    assert control.mail("bob@acme.example")["code"] in shown
    assert "ada@acme.example" not in shown


def test_inbox_marks_what_expired(client, control):
    client.magic_links.email.discovery.send("ada@acme.example")
    assert "Expired" not in page(control, "/inbox")

    control.advance(hours=2)

    late = page(control, "/inbox")
    assert "Expired" in late
    assert "button primary" not in late


def test_inbox_escapes_names(client, control):
    client.organizations.create("<script>alert(1)</script>", organization_slug="evil")
    client.magic_links.email.invite("evil", "bob@acme.example")

    assert "<script>alert" not in page(control, "/inbox")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("discovery", "/v1/auth/discovery"),
        ("multi_tenant_magic_links", "/v1/auth/invitations/accept"),
    ],
)
def test_landing_says_what_to_ask_next(control, kind, path):
    shown = html.unescape(page(control, f"/landing?stytch_token_type={kind}&token=abc"))

    assert f"http://127.0.0.1:8000{path}" in shown
    assert '{"token": "abc"}' in shown


def test_landing_quotes_what_it_was_given(control):
    shown = page(control, "/landing?stytch_token_type=discovery&token='%3B%20rm%20-rf%20<b>")

    assert "<b>" not in shown
    assert """'"'"'; rm""" in html.unescape(shown)


@pytest.mark.parametrize(
    ("came_from", "message", "path"),
    [
        ("checkout", "Paid.", "/billing/subscription"),
        ("canceled", "Nothing was paid", "/billing/checkout"),
        ("portal", "Back from the billing portal", "/billing/subscription"),
        ("", "no session yet", "/billing/portal"),
    ],
)
def test_landing_shows_the_next_call_after_every_page(control, came_from, message, path):
    shown = html.unescape(page(control, f"/landing?from={came_from}"))

    assert message in shown
    assert path in shown


def test_landing_names_the_call_that_a_call_requires(control):
    shown = html.unescape(page(control, "/landing"))
    checkout = re.search(r'data-url="[^"]+/billing/checkout".*?</section>', shown, re.DOTALL)[0]

    assert "Run “List the plans and prices” first: this call needs a price." in checkout
    assert 'data-requires="price_id"' in checkout
    assert 'data-requires="session_jwt slug"' in checkout
    assert "data-requires" not in page(control, "/")


def test_unknown_path_is_a_page_for_browsers_and_json_for_programs(control):
    shown = control.http.get("/inbox/none", headers={"Accept": "text/html,*/*;q=0.8"})
    control_call = control.http.get("/_sandbox/none")
    wrong_method = control.http.delete("/inbox", headers={"Accept": "text/html"})

    assert shown.status_code == 404
    assert "The sandbox has no page at <code>/inbox/none</code>." in shown.text
    assert (control_call.status_code, control_call.json()) == (404, {"error": "Not Found"})
    assert wrong_method.status_code == 405
    assert "does not accept DELETE requests" in wrong_method.text


def test_inbox_marks_a_used_link(client, control):
    client.magic_links.email.discovery.send("ada@acme.example")
    fresh = page(control, "/inbox")
    token = control.mail("ada@acme.example")["token"]

    client.magic_links.discovery.authenticate(token)

    assert "Used" not in fresh
    assert "Used" in page(control, "/inbox")


def test_start_page_shows_how_to_begin(control):
    shown = html.unescape(page(control, "/"))

    assert "http://127.0.0.1:8000/v1/auth/magic-links" in shown
    assert "http://127.0.0.1:8000/admin/" in shown


def test_events_show_the_outcome_and_send_again(client, control, receiver, acme):
    control.post("/webhooks/drain")
    shown = page(control, "/events")
    id_ = re.search(r'name="id" value="([^"]+)"', shown)[1]

    answer = control.http.post("/events/resend", data={"id": id_})
    control.post("/webhooks/drain")

    assert "direct.organization.create" in shown
    assert "Delivered" in shown
    assert (answer.status_code, answer.headers["location"]) == (303, "/events")
    assert len(receiver.received) == 2


def test_events_of_one_vendor_are_shown_when_asked(control, acme):
    assert "direct.organization" not in page(control, "/events?vendor=stripe")
    assert "direct.organization" in page(control, "/events?vendor=stytch")
