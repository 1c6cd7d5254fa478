"""Mails about a lost admin, a suspension and a restoration, through a real mail server."""

import pytest
from django.db import transaction
from django.urls import reverse

from billing.models import Customer, Notice, NoticeKind
from billing.notices import drafts, recipients, render
from identity.models import Member, MissingAdmin
from identity.sync import last_admin
from kit import jobs
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import organizations
from tests.billing.organizations import BillingOrganization

STAFF = "alerts@tenantry.example"


@pytest.fixture
def acme(committed, sandbox):
    """Return an organization with an admin and a member, while the worker runs."""
    made = BillingOrganization(sandbox, seats=0)
    made.admin = made.add_member("admin")
    made.member = made.add_member()
    return made


@pytest.fixture
def inbox(sandbox, wait_until_settled):
    """Return the mails to an address once all jobs have run, oldest first."""

    def read(address):
        wait_until_settled()
        return sandbox.get("/inbox", email=address)["mails"][::-1]

    return read


def lose_admin(acme):
    """Remove the admin, as the customer's directory does, and flag the organization."""
    acme.admin.status, acme.admin.removed_at = "removed", acme.admin.created_at
    acme.admin.save(update_fields=["status", "removed_at"])
    last_admin.update_all_missing_admins()
    return MissingAdmin.objects.open().get(organization=acme.row)


def suspend(acme, reason):
    with transaction.atomic():
        organizations.suspend_organization(locks.lock_organization(acme.row.pk), reason=reason)


def restore(acme):
    with transaction.atomic():
        organizations.restore_organization(locks.lock_organization(acme.row.pk))


# ── No admin is left ─────────────────────────────────────────────────────────────────────────


def test_lost_admin_is_mailed_once_to_a_member_and_not_to_who_is_gone(acme, inbox):
    flag = lose_admin(acme)
    jobs.defer_job("billing.send_notice", kind=NoticeKind.ADMIN_LOST, subject_id=str(flag.pk))

    (mail,) = inbox(acme.member.email)

    assert mail["subject"] == "Acme: no admin is left"
    assert "Please tell our support" in mail["text"]
    assert "Staff have received this mail" not in mail["text"]  # no address of staff is configured
    assert "Billing:" not in mail["text"]
    assert inbox(acme.admin.email) == []


def test_owner_of_record_and_staff_are_told(acme, settings):
    settings.STAFF_ALERT_ADDRESSES = (STAFF,)
    flag = lose_admin(acme)
    draft = drafts.build_draft(NoticeKind.ADMIN_LOST, flag.pk)
    assert recipients.list_draft_recipients(draft) == [acme.member.email, STAFF]
    assert "Staff have received this mail too." in render.render_notice(draft).text

    Customer.objects.update_or_create(
        organization=acme.row, defaults={"billing_email": "accounts@acme.example"}
    )
    assert recipients.list_draft_recipients(draft) == ["accounts@acme.example", STAFF]

    Customer.objects.filter(organization=acme.row).update(billing_email="büro@acme.example")
    assert recipients.list_draft_recipients(draft) == [acme.member.email, STAFF]

    Customer.objects.filter(organization=acme.row).update(
        billing_email="accounts@acme.example", bought_by=acme.admin.user
    )
    assert recipients.list_draft_recipients(draft) == ["accounts@acme.example", STAFF]

    buyer = acme.add_member()
    Customer.objects.filter(organization=acme.row).update(bought_by=buyer.user)
    assert recipients.list_draft_recipients(draft) == [
        buyer.email, "accounts@acme.example", STAFF,
    ]  # fmt: skip


def test_other_notices_do_not_go_to_staff(acme, settings):
    settings.STAFF_ALERT_ADDRESSES = (STAFF,)
    suspend(acme, "Unpaid")
    draft = drafts.build_draft(NoticeKind.ORGANIZATION_SUSPENDED, acme.row.pk)

    assert recipients.list_draft_recipients(draft) == [acme.admin.email]


def test_organization_with_an_admin_again_is_not_mailed(acme):
    flag = lose_admin(acme)
    Member.objects.filter(pk=acme.member.pk).update(role="admin")
    last_admin.update_all_missing_admins()

    assert drafts.build_draft(NoticeKind.ADMIN_LOST, flag.pk) is None


# ── Suspension and restoration ───────────────────────────────────────────────────────────────


def test_admins_are_mailed_the_reason_of_each_suspension_and_its_end(acme, inbox):
    suspend(acme, "Invoice 4711 is unpaid\nsince May.")
    (suspended,) = inbox(acme.admin.email)
    restore(acme)
    inbox(acme.admin.email)
    suspend(acme, "Another reason.")

    mails = inbox(acme.admin.email)

    assert suspended["subject"] == "Acme: the organization was suspended"
    assert "The reason: Invoice 4711 is unpaid since May." in suspended["text"]
    assert [mail["subject"] for mail in mails] == [
        "Acme: the organization was suspended",
        "Acme: the organization was restored",
        "Acme: the organization was suspended",
    ]
    assert "Another reason." in mails[2]["text"]
    assert inbox(acme.member.email) == []


def test_suspension_that_was_lifted_before_the_job_runs_is_not_mailed(acme):
    suspend(acme, "A mistake")
    restore(acme)

    assert drafts.build_draft(NoticeKind.ORGANIZATION_SUSPENDED, acme.row.pk) is None


def test_suspension_in_the_admin_is_mailed_and_explained_to_its_members(
    api, new_organization, staff_client, inbox
):
    page = reverse("admin:tenancy_organization_change", args=[new_organization.id])
    reason = "Mails to your customers were reported as spam."
    staff_client.post(page, {"state": "suspended", "suspension_reason": reason})

    refused = api.get(new_organization.path, token=new_organization.member.token)
    mails = inbox(new_organization.address("ada"))

    assert (refused.status_code, refused.json()["code"]) == (403, "organization_suspended")
    assert any(reason in mail.get("text", "") for mail in mails)
    assert Notice.objects.filter(
        organization_id=new_organization.id, kind="organization_suspended", recipients__gte=1
    ).exists()


def test_reason_with_markup_is_text_in_the_page(acme, inbox):
    suspend(acme, "<b>bold</b> & more")

    (mail,) = inbox(acme.admin.email)

    assert "<b>bold</b> & more" in mail["text"]
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in mail["html"]
    assert Organization.objects.get(pk=acme.row.pk).suspension_reason == "<b>bold</b> & more"
