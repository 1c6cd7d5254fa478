"""Check what staff may do in the admin, and who is locked out."""

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from events.models import Event
from identity.models import User
from kit.lockout import CLIENT_FAILURE_LIMIT
from tenancy import routing
from tests.admin.browsers import open_staff_browser

EMAIL, PASSWORD = "support@tenantry.example", "correct horse battery"


@pytest.fixture
def staff_user(db):
    return User.objects.create_superuser(email=EMAIL, password=PASSWORD)


def sign_in(browser, password, *, email=EMAIL):
    return browser.post(reverse("admin:login"), {"username": email, "password": password})


def build_url(kind, row):
    return reverse(f"admin:{kind}_change", args=[row.pk])


def test_fifth_wrong_password_locks_the_account_and_explains_it(staff_user):
    for _ in range(5):
        refused = sign_in(Client(), "wrong")

    assert refused.status_code == 429
    assert "Try again in an hour" in refused.content.decode()
    assert EMAIL in refused.content.decode()
    assert sign_in(Client(), PASSWORD).status_code == 429


@pytest.mark.parametrize(
    "email", [EMAIL.upper(), EMAIL.title(), f" {EMAIL} ", "\uff53" + EMAIL[1:]]
)
def test_other_spelling_of_an_address_shares_its_attempts(staff_user, email):
    for _ in range(5):
        sign_in(Client(), "wrong")

    assert sign_in(Client(), PASSWORD, email=email).status_code == 429


@pytest.mark.parametrize(
    ("address", "same"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::2"), ("unknown", "unknown")],
)
def test_client_that_tries_many_accounts_is_locked_out(staff_user, address, same):
    for number in range(CLIENT_FAILURE_LIMIT):
        guessing = Client(REMOTE_ADDR=address)
        sign_in(guessing, "wrong", email=f"staff-{number}@tenantry.example")

    assert sign_in(Client(REMOTE_ADDR=same), PASSWORD).status_code == 429
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    assert sign_in(elsewhere, PASSWORD).status_code == 302


def test_staff_unlock_a_locked_account(staff_user, staff_client):
    for _ in range(5):
        sign_in(Client(), "wrong")
    (attempt,) = (
        staff_client.get(reverse("admin:axes_accessattempt_changelist")).context["cl"].queryset
    )

    staff_client.post(
        reverse("admin:axes_accessattempt_delete", args=[attempt.pk]), {"post": "yes"}
    )

    assert sign_in(Client(), PASSWORD).status_code == 302


def test_suspension_is_recorded_in_the_audit_trail(rows, staff_client, admin_user):
    page = build_url("tenancy_organization", rows.organization)
    staff_client.post(page, {"state": "suspended", "suspension_reason": "Unpaid since May"})

    rows.organization.refresh_from_db()
    assert rows.organization.state == "suspended"
    with routing.activate(rows.organization):
        event = Event.objects.get(type="organization.suspended")
    assert (event.actor_kind, event.actor_id) == ("operator", str(admin_user.pk))
    assert event.details == {"reason": "Unpaid since May"}


def test_suspension_needs_a_reason_and_restoration_none(rows, staff_client):
    page = build_url("tenancy_organization", rows.organization)

    refused = staff_client.post(page, {"state": "suspended", "suspension_reason": " "})
    rows.organization.refresh_from_db()
    assert rows.organization.state == "active"
    assert "State why" in refused.content.decode()

    staff_client.post(page, {"state": "suspended", "suspension_reason": "Unpaid since May"})
    staff_client.post(page, {"state": "active", "suspension_reason": ""})
    rows.organization.refresh_from_db()
    assert rows.organization.state == "active"


def test_deleted_organization_cannot_be_restored(rows, staff_client):
    rows.organization.state = "deleted"
    rows.organization.save()

    staff_client.post(build_url("tenancy_organization", rows.organization), {"state": "active"})

    rows.organization.refresh_from_db()
    assert rows.organization.state == "deleted"


def test_user_of_an_organization_can_be_blocked_but_not_made_staff(rows, staff_client):
    person = User.objects.get(is_staff=False)
    forged = {"is_staff": "on", "is_superuser": "on", "email": "other@x.example"}

    staff_client.post(
        build_url("identity_user", person), forged
    )  # without is_active: the switch is off

    person.refresh_from_db()
    assert not person.is_active
    assert not person.is_staff
    assert not person.is_superuser
    assert person.email != "other@x.example"
    assert person.blocked_at is not None


def test_unblocking_a_user_unblocks_its_placeholders(rows, staff_client):
    person = User.objects.get(is_staff=False)
    staff_client.post(build_url("identity_user", person), {})
    person.refresh_from_db()
    other = User.objects.create(email="a@x.example", is_active=False, blocked_at=person.blocked_at)

    staff_client.post(build_url("identity_user", person), {"is_active": "on"})

    person.refresh_from_db()
    other.refresh_from_db()
    assert (person.is_active, other.is_active) == (True, True)


def test_added_account_is_staff(staff_client):
    form = {"email": EMAIL, "name": "Sue", "password1": PASSWORD, "password2": PASSWORD}
    staff_client.post(reverse("admin:identity_user_add"), form | {"usable_password": "true"})

    assert sign_in(Client(), PASSWORD).status_code == 302


def test_only_a_superuser_grants_rights(db):
    clerk = User.objects.create_superuser(email="clerk@tenantry.example", password=PASSWORD)
    clerk.is_superuser = False
    clerk.save()
    may = Permission.objects.filter(codename__in=["view_user", "change_user"])
    clerk.user_permissions.set(may)
    browser = open_staff_browser(clerk)

    browser.post(build_url("identity_user", clerk), {"email": clerk.email, "is_superuser": "on"})

    clerk.refresh_from_db()
    assert not clerk.is_superuser


def test_override_stores_its_author(rows, staff_client, admin_user):
    override = rows.organization.feature_overrides.get()
    override.created_by = None
    override.save()
    form = {"organization": rows.organization.pk, "feature": override.feature_id, "reason": "why"}

    staff_client.post(build_url("billing_featureoverride", override), form)

    override.refresh_from_db()
    assert (override.created_by, override.reason) == (admin_user, "why")


@pytest.mark.parametrize(
    ("path", "is_loosened"), [("/admin/login/", True), ("/docs", False), ("/nowhere", False)]
)
def test_only_admin_pages_may_compile_scripts(client, db, path, is_loosened):
    policy = client.get(path)["Content-Security-Policy"]

    assert ("'unsafe-eval'" in policy) is is_loosened
    assert "frame-ancestors 'none'" in policy


def test_development_staff_is_refused_elsewhere(db, tmp_path, settings):
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    settings.ENVIRONMENT = "production"

    with pytest.raises(CommandError, match="createsuperuser"):
        call_command("make_development_staff", EMAIL, str(file))


def test_development_staff_needs_the_sandbox(db, tmp_path, settings):
    settings.ENVIRONMENT, settings.STRIPE_BASE_URL = "development", ""

    with pytest.raises(CommandError, match="sandbox"):
        call_command("make_development_staff", EMAIL, str(tmp_path / "password"))


def test_development_staff_signs_in_and_keeps_the_session(db, tmp_path, settings):
    settings.ENVIRONMENT = "development"
    settings.STAFF_SECOND_FACTOR = False
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    browser = Client()

    call_command("make_development_staff", EMAIL, str(file))
    assert sign_in(browser, PASSWORD).status_code == 302
    call_command("make_development_staff", EMAIL, str(file))

    assert browser.get("/admin/").status_code == 200
