"""The page at `/` answers a person with HTML and a program with JSON."""

import pytest
from django.test import Client

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = "kit.urls"
    settings.PUBLIC_URL = "https://api.example.com"
    return Client()


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "application/json, text/html", ""])
def test_program_gets_addresses(client, settings, accepted):
    answer = client.get("/", headers={"accept": accepted})

    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "name": "Tenantry",
        "version": settings.VERSION,
        "documentation": "https://api.example.com/docs",
        "openapi": "https://api.example.com/openapi.json",
        "errors": "https://api.example.com/docs/errors",
    }


@pytest.mark.parametrize("accepted", [BROWSER, "text/html"])
def test_browser_gets_a_page(client, settings, accepted):
    answer = client.get("/", headers={"accept": accepted})
    page = answer.content.decode()

    assert answer["Content-Type"] == "text/html"
    assert "<h1>Tenantry</h1>" in page
    assert f"version {settings.VERSION}." in page
    assert '<a href="/docs">' in page
    assert "Get a token" not in page


def test_caches_keep_both_apart(client):
    assert client.get("/")["Vary"] == "Accept"


def test_links_of_the_page_lead_somewhere(client):
    for path in ("/docs", "/docs/errors", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_other_methods_are_refused(client):
    assert client.post("/").status_code == 405


def test_page_of_problems_says_what_to_do(client):
    page = client.get("/docs/errors").content.decode()

    assert 'id="unauthenticated"' in page
    assert "Send <code>Authorization: Bearer &lt;session JWT&gt;</code>." in page
    assert page.count("<dt ") == page.count("<dd>")
