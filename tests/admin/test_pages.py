"""Check that every page of the admin opens for staff only, and shows no secret."""

import re
from base64 import b32encode
from binascii import unhexlify

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from config.admin_site import NAVIGATION
from tests.admin.rows import SECRET, SECRET_KEY

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Vendor keys, session tokens and password hashes, by their format.
TOKENS = re.compile(r"sk_(test|live)_|whsec_|eyJ[\w-]{10,}\.eyJ|pbkdf2_sha256\$\d+\$")


def build_url(model, page, *arguments):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=arguments)


def get_newest(model):
    return model.objects.order_by("-pk").first()


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_list_and_page_open_for_staff_without_a_secret(rows, staff_client, model):
    answers = [
        staff_client.get(build_url(model, "changelist")),
        staff_client.get(build_url(model, "change", get_newest(model).pk)),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    text = "".join(answer.content.decode() for answer in answers)
    assert SECRET not in text
    assert SECRET_KEY not in text.lower()
    assert b32encode(unhexlify(SECRET_KEY)).decode() not in text
    assert not TOKENS.search(text)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_page_requires_a_session(rows, model):
    answers = [
        Client().get(build_url(model, "changelist")),
        Client().get(build_url(model, "change", get_newest(model).pk)),
    ]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert all(answer["Location"].startswith("/admin/login/") for answer in answers)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_user_of_an_organization_is_not_staff(rows, model, django_user_model):
    browser = Client()
    person = django_user_model.objects.filter(is_staff=False).first()
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    assert browser.get(build_url(model, "changelist")).status_code == 302


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_list_is_searched_and_filtered(rows, staff_client, model):
    page = admin.site._registry[model]
    query = {"q": "acme"} if page.search_fields else {}

    assert staff_client.get(build_url(model, "changelist"), query).status_code == 200


def test_sidebar_links_each_list_once(staff_client, db):
    links = [str(item["link"]) for group in NAVIGATION for item in group["items"]]

    assert sorted(links) == sorted(build_url(model, "changelist") for model in PAGES)


def test_front_page_has_the_groups_of_the_sidebar(staff_client, db):
    page = staff_client.get("/admin/")

    assert [group["name"] for group in page.context["app_list"]] == [
        group["title"] for group in NAVIGATION
    ]


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_list_query_count_does_not_grow_with_rows(
    rows, staff_client, model, django_assert_max_num_queries
):
    with django_assert_max_num_queries(1000) as few:
        staff_client.get(build_url(model, "changelist"))
    rows.create_more()

    with django_assert_max_num_queries(len(few)):
        staff_client.get(build_url(model, "changelist"))
