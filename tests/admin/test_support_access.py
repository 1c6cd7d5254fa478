"""Check that staff read an organization's own data with open support access only, on record."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from events.models import Event
from events.services import names
from identity.models import SupportAccess, User
from identity.services import support_access
from identity.tasks import end_overdue_support_access
from tenancy import routing
from tests.admin.browsers import open_staff_browser

REASON = "Ticket 4711: members are missing"
ADD = reverse("admin:identity_supportaccess_add")


def build_page(access):
    return reverse("admin:identity_supportaccess_change", args=[access.pk])


def open_access(browser, organization, *, reason=REASON, hours=1):
    form = {"organization": str(organization.pk), "reason": reason, "hours": hours}
    return browser.post(ADD, form)


def end_access(browser, *accesses):
    form = {"action": "end_access", "_selected_action": [str(one.pk) for one in accesses]}
    return browser.post(reverse("admin:identity_supportaccess_changelist"), form)


def read_trail(organization):
    with routing.activate(organization):
        return list(Event.objects.filter(target_type="support").order_by("pk"))


@pytest.fixture
def granted(rows, staff_client):
    open_access(staff_client, rows.organization)
    return SupportAccess.objects.get(organization=rows.organization, reason=REASON)


def test_opened_access_leads_to_the_trail(rows, staff_client):
    answer = open_access(staff_client, rows.organization)

    granted = SupportAccess.objects.get(organization=rows.organization, reason=REASON)
    assert answer["Location"] == build_page(granted)


def test_staff_read_the_trail_with_open_access(rows, staff_client, granted):
    page = staff_client.get(build_page(granted)).content.decode()

    assert "organization.created" in page
    assert "support.access_granted" in page


def test_grant_is_in_the_organizations_trail_with_name_reason_and_end(
    rows, staff_client, granted, admin_user
):
    (event,) = read_trail(rows.organization)

    assert event.type == "support.access_granted"
    assert (event.actor_kind, event.actor_id) == ("operator", str(admin_user.pk))
    names.attach_names([event])
    assert event.actor_name == event.details["staff"] == admin_user.get_short_name()
    assert event.details["reason"] == REASON
    assert parse_datetime(event.details["expires_at"]) == granted.expires_at.replace(
        microsecond=granted.expires_at.microsecond // 1000 * 1000
    )


@pytest.mark.parametrize("hours", ["", "0", "9", "1000000", "x"])
def test_access_is_time_boxed(rows, staff_client, hours):
    before = SupportAccess.objects.count()

    open_access(staff_client, rows.organization, hours=hours)

    assert SupportAccess.objects.count() == before


@pytest.mark.parametrize("reason", ["", " " * 20, "because", "x" * 501])
def test_access_has_a_reason(rows, staff_client, reason):
    before = SupportAccess.objects.count()

    open_access(staff_client, rows.organization, reason=reason)

    assert SupportAccess.objects.count() == before


def test_service_and_database_refuse_what_the_form_refuses(rows, admin_user):
    wanted = {"organization_id": rows.organization.pk, "staff": admin_user, "reason": REASON}
    for duration in (timedelta(0), support_access.MAX_DURATION + timedelta(seconds=1)):
        with pytest.raises(ValueError, match="at most"):
            support_access.grant_access(**wanted, duration=duration)
    with pytest.raises(IntegrityError), transaction.atomic():
        support_access.grant_access(**wanted | {"reason": ""}, duration=timedelta(hours=1))


def test_expired_access_shows_nothing_and_its_end_is_recorded_once(rows, staff_client, granted):
    expired_at = timezone.now() - timedelta(minutes=5)
    SupportAccess.objects.filter(pk=granted.pk).update(expires_at=expired_at)

    page = staff_client.get(build_page(granted)).content.decode()
    end_overdue_support_access()
    end_overdue_support_access()

    assert "Not shown" in page
    assert "organization.created" not in page
    granted.refresh_from_db()
    assert granted.ended_at == expired_at
    trail = [event for event in read_trail(rows.organization) if event.target_id == str(granted.pk)]
    assert [event.type for event in trail] == ["support.access_granted", "support.access_ended"]
    assert trail[1].details["cause"] == "expired"


def test_staff_end_access_before_its_time(rows, staff_client, granted, admin_user):
    end_access(staff_client, granted)
    end_access(staff_client, granted)

    assert "Not shown" in staff_client.get(build_page(granted)).content.decode()
    _, ended = read_trail(rows.organization)
    assert (ended.type, ended.actor_id) == ("support.access_ended", str(admin_user.pk))


def test_access_of_a_colleague_opens_nothing(rows, granted):
    colleague = User.objects.create_superuser(email="colleague@tenantry.example")
    page = open_staff_browser(colleague).get(build_page(granted)).content.decode()

    assert REASON in page
    assert "Not shown" in page
    assert "organization.created" not in page


def test_new_access_replaces_the_open_one(rows, staff_client, granted):
    open_access(staff_client, rows.organization, reason="Ticket 4712: another matter")

    granted.refresh_from_db()
    assert granted.state == "ended"
    assert [event.type for event in read_trail(rows.organization)] == [
        "support.access_granted", "support.access_ended", "support.access_granted",
    ]  # fmt: skip


def test_access_to_one_organization_shows_no_other(rows, staff_client, granted):
    other = rows.create_more()

    page = staff_client.get(build_page(granted)).content.decode()

    assert rows.organization.slug in page
    assert other.slug not in page


def test_trail_is_paged_from_the_newest(rows, staff_client, granted, monkeypatch):
    monkeypatch.setattr(support_access, "EVENT_PAGE_SIZE", 1)
    first = staff_client.get(build_page(granted))
    second = staff_client.get(build_page(granted), {"before": str(first.context["before"])})

    assert [event.type for event in first.context["events"]] == ["support.access_granted"]
    assert first.context["events"][0].pk > second.context["events"][0].pk
    assert staff_client.get(build_page(granted), {"before": "x"}).status_code == 200


def test_granting_is_a_permission_of_its_own(rows, granted):
    clerk = User.objects.create_superuser(email="clerk@tenantry.example")
    clerk.is_superuser = False
    clerk.save()
    clerk.user_permissions.set(Permission.objects.filter(codename="view_supportaccess"))
    browser = open_staff_browser(clerk)

    assert browser.get(build_page(granted)).status_code == 200
    assert open_access(browser, rows.organization).status_code == 403
    end_access(browser, granted)
    granted.refresh_from_db()
    assert granted.ended_at is None


def test_access_is_neither_changed_nor_deleted(rows, staff_client, granted):
    later = {"reason": "another reason of length", "expires_at_0": "2099-01-01"}
    staff_client.post(build_page(granted), later)
    page = reverse("admin:identity_supportaccess_delete", args=[granted.pk])

    assert staff_client.post(page, {"post": "yes"}).status_code == 403
    before, granted = granted, SupportAccess.objects.get(pk=granted.pk)
    assert (granted.reason, granted.expires_at) == (before.reason, before.expires_at)


def test_no_page_of_the_admin_lists_rows_of_tenant_schemas():
    registered = {model._meta.app_label for model in admin.site._registry}

    assert "events" not in registered


def test_customers_admin_reads_who_looked_and_why(api, committed, new_organization):
    staff = User.objects.create_superuser(email=f"{new_organization.slug}@staff.example")
    staff.name = "Sue Support"
    staff.save()
    browser = open_staff_browser(staff)
    browser.post(ADD, {"organization": new_organization.id, "reason": REASON, "hours": 1})
    access = SupportAccess.objects.get(organization_id=new_organization.id)
    end_access(browser, access)

    answer = api.get(
        f"{new_organization.path}/events?target={access.pk}&ordering=occurred_at",
        token=new_organization.admin.token,
    )

    events = answer.json()["results"]
    assert [event["type"] for event in events] == [
        "support.access_granted", "support.access_ended",
    ]  # fmt: skip
    assert {event["details"]["staff"] for event in events} == {"Sue Support"}
    assert {event["details"]["reason"] for event in events} == {REASON}
