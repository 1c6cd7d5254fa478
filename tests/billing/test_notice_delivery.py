"""Check who gets a notice, its text, and what follows when the mail server refuses it."""

import secrets

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from billing.customers import profiles
from billing.models import Notice, NoticeKind
from billing.notices import drafts, notices, recipients, render
from billing.subscriptions import changes
from identity.models import Member, Status, User
from kit.outbound import VendorUnavailable
from tests.billing.notice_calls import list_sent_kinds, repeat_notice_jobs
from tests.billing.support import run_in_parallel


def test_notice_goes_to_admins_and_the_billing_address_once(declined_organization, read_inbox):
    second = declined_organization.add_member("admin")
    declined_organization.add_member("member")
    blocked, suspended = (
        declined_organization.add_member("admin"),
        declined_organization.add_member("admin"),
    )
    User.objects.filter(pk=blocked.user_id).update(is_active=False)
    Member.objects.filter(pk=suspended.pk).update(status=Status.SUSPENDED)
    read_inbox(declined_organization.admin.email)
    put_billing_address(declined_organization, second.email.upper())

    recipient_list = recipients.list_recipients(declined_organization.row)

    assert recipient_list == [second.email.upper(), declined_organization.admin.email]


def test_blocked_admin_gets_no_mail_and_the_billing_address_does(create_with_admin, read_inbox):
    acme = create_with_admin().subscribe()
    blocked = acme.add_member("admin")
    User.objects.filter(pk=blocked.user_id).update(is_active=False)
    office = f"office@{secrets.token_hex(4)}.example"
    profiles.update_profile(organization=acme.row, fields={"email": office})

    changes.end_subscription_now(organization=acme.row)

    assert len(read_inbox(acme.admin.email)) == 1
    assert len(read_inbox(office)) == 1
    assert read_inbox(blocked.email) == []
    assert Notice.objects.get(organization=acme.row).recipients == 2


def test_address_that_cannot_be_named_does_not_hold_back_the_others(create_with_admin):
    acme = create_with_admin().subscribe()
    put_billing_address(acme, "büro@acme.example")

    assert recipients.list_recipients(acme.row) == [acme.admin.email]


def test_each_recipient_gets_a_mail_that_names_no_other(create_with_admin, read_inbox, sandbox):
    acme = create_with_admin().subscribe()
    second = acme.add_member("admin")
    office = f"office@{secrets.token_hex(4)}.example"
    profiles.update_profile(organization=acme.row, fields={"email": office})

    changes.end_subscription_now(organization=acme.row)

    addresses = [acme.admin.email, second.email, office]
    assert [len(read_inbox(address)) for address in addresses] == [1, 1, 1]
    for address in addresses:
        (attempt,) = sandbox.requests("mail", path=address)
        assert attempt["path"] == address
        assert f"To: {address}" in attempt["body"].splitlines()
        assert not any(other in attempt["body"] for other in addresses if other != address)
    notice = Notice.objects.get(organization=acme.row)
    assert (notice.recipients, notice.mails.count(), notice.sent_at is None) == (3, 3, False)


def test_refused_recipient_does_not_keep_the_others_from_their_mail(
    create_with_admin, read_inbox, sandbox
):
    acme = create_with_admin().subscribe()
    second = acme.add_member("admin")
    sandbox.post("/faults", vendor="mail", path=acme.admin.email, status=554, times=2)

    changes.end_subscription_now(organization=acme.row)

    assert [len(read_inbox(one.email)) for one in (acme.admin, second)] == [1, 1]
    tries = [len(sandbox.requests("mail", path=one.email)) for one in (acme.admin, second)]
    assert tries == [3, 1]


def put_billing_address(acme, address):
    acme.row.customer.billing_email = address
    acme.row.customer.save()


def test_name_of_an_organization_is_escaped_in_html_and_bare_in_text(create_with_admin, read_inbox):
    acme = create_with_admin().subscribe()
    type(acme.row).objects.filter(pk=acme.row.pk).update(name="<b>x\n\nBcc: y")

    changes.end_subscription_now(organization=acme.row)

    (notice,) = read_inbox(acme.admin.email)
    assert notice["subject"] == "<b>x Bcc: y: the subscription has ended"
    assert "an admin of <b>x Bcc: y" in notice["text"]
    assert "<b>" not in notice["html"]
    assert "&lt;b&gt;x Bcc: y" in notice["html"]


@pytest.mark.parametrize("status", [451, 554])
def test_refused_mail_is_tried_again_and_delivered_once(
    create_with_admin, read_inbox, sandbox, status
):
    acme = create_with_admin().subscribe()
    sandbox.post("/faults", vendor="mail", path=acme.admin.email, status=status, times=2)

    changes.end_subscription_now(organization=acme.row)

    assert len(read_inbox(acme.admin.email)) == 1
    tries = sandbox.requests("mail", path=acme.admin.email)
    assert [attempt["status"] for attempt in tries] == [status, status, 250]


def test_lost_answer_of_the_mail_server_costs_one_more_mail(create_with_admin, read_inbox, sandbox):
    acme = create_with_admin().subscribe()
    sandbox.post("/faults", vendor="mail", path=acme.admin.email, drop=True, after_effect=True)

    changes.end_subscription_now(organization=acme.row)

    assert len(read_inbox(acme.admin.email)) == 2
    ids = {
        line
        for attempt in sandbox.requests("mail", path=acme.admin.email)
        for line in attempt["body"].splitlines()
        if line.startswith("Message-ID:")
    }
    assert len(ids) == 1
    repeat_notice_jobs(acme, NoticeKind.SUBSCRIPTION_ENDED)
    assert len(read_inbox(acme.admin.email)) == 2


@pytest.fixture
def ended_organization(create_with_admin, read_inbox):
    """Create an organization whose subscription has ended, and delete the notice of it."""
    acme = create_with_admin().subscribe()
    changes.end_subscription_now(organization=acme.row)
    read_inbox(acme.admin.email)
    Notice.objects.filter(organization=acme.row).delete()
    mail.outbox.clear()
    return acme


def send_end_notice(acme):
    notices.send_notice(kind=NoticeKind.SUBSCRIPTION_ENDED, subject_id=acme.subscription.pk)


def test_nothing_is_sent_while_notices_are_off(ended_organization, settings):
    settings.BILLING_NOTICES = False
    send_end_notice(ended_organization)
    assert (mail.outbox, list_sent_kinds(ended_organization)) == ([], [])

    settings.BILLING_NOTICES = True
    send_end_notice(ended_organization)
    assert len(mail.outbox) == 1


class DyingBackend(EmailBackend):
    """A mail server that accepts one mail, after which the process dies."""

    def send_messages(self, messages):
        if mail.outbox:
            raise SystemExit
        return super().send_messages(messages)


def test_process_that_dies_between_two_recipients_sends_each_one_mail(ended_organization, settings):
    acme = ended_organization
    second = acme.add_member("admin")
    backend = f"{__name__}.{DyingBackend.__name__}"
    settings.MAILERS = {"default": {"BACKEND": backend}}
    with pytest.raises(SystemExit):
        send_end_notice(acme)
    assert Notice.objects.get(organization=acme.row).sent_at is None

    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    for _ in range(2):
        send_end_notice(acme)

    assert [message.to for message in mail.outbox] == [[acme.admin.email], [second.email]]
    notice = Notice.objects.get(organization=acme.row)
    assert (notice.recipients, notice.sent_at is None) == (2, False)


def test_two_jobs_at_once_send_one_mail(ended_organization):
    run_in_parallel(*[lambda: send_end_notice(ended_organization)] * 4)

    assert len(mail.outbox) == 1
    assert list_sent_kinds(ended_organization) == [NoticeKind.SUBSCRIPTION_ENDED]


def test_mail_server_out_of_reach_is_unavailable_without_an_address(ended_organization, settings):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 1},
        }
    }

    with pytest.raises(VendorUnavailable) as refused:
        send_end_notice(ended_organization)

    assert ended_organization.admin.email not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert list_sent_kinds(ended_organization) == []


def test_notice_without_a_front_end_has_no_link(ended_organization, settings):
    settings.FRONTEND_BILLING_URL = ""

    rendered = render.render_notice(
        drafts.build_draft(NoticeKind.SUBSCRIPTION_ENDED, ended_organization.subscription.pk)
    )

    assert "Billing:" not in rendered.text
    assert "href" not in rendered.html
