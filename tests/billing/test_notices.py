"""Mails about billing: each occasion once, to the right people, through a real mail server."""

import secrets
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from billing.customers import profiles
from billing.models import Invoice, Notice, NoticeKind, Subscription
from billing.money import format_amount
from billing.notices import drafts, notices, recipients, render, sweep
from billing.statuses import GRACE_PERIOD
from billing.subscriptions import changes
from identity.models import Member, Status, User
from kit import jobs
from kit.outbound import VendorUnavailable
from tests.billing.organizations import BillingOrganization
from tests.billing.support import run_in_parallel
from tests.harness.stack import poll

KIND = NoticeKind


@pytest.fixture
def create(committed, sandbox):
    """Make an organization with an admin, while the worker runs: `create(seats=2)`."""

    def create_with_admin(**terms):
        acme = BillingOrganization(sandbox, seats=0, **terms)
        acme.admin = acme.add_member("admin")
        return acme

    return create_with_admin


@pytest.fixture
def inbox(sandbox, wait_until_settled):
    """Return the mails to an address once all jobs have run, oldest first."""

    def read(address):
        wait_until_settled()
        return sandbox.get("/inbox", email=address)["mails"][::-1]

    return read


@pytest.fixture
def unpaid(create):
    """An organization whose charge for a second seat was declined."""
    acme = create(addition_policy="invoice_now").subscribe()
    customer_id = acme.row.customer.external_id
    acme.sandbox.post(f"/stripe/customers/{customer_id}/payment", outcome="decline", times=1)
    acme.add_member()
    acme.sync_seats()
    return acme


def put(acme, **values):
    """Write columns of the subscription, as if time had passed."""
    Subscription.objects.filter(current_for=acme.row).update(**values)


def sent(acme):
    notices_sent = Notice.objects.filter(organization=acme.row, sent_at__isnull=False)
    return sorted(notices_sent.values_list("kind", flat=True))


def wait_for_state(acme, state):
    """Sync the seats, next to the worker, until they have this state."""
    poll(lambda: acme.sync_seats().seat_state == state, what=f"the seat state {state}")


def repeat_jobs(acme, *kinds):
    """Run the jobs of notices a second time."""
    subjects = {
        KIND.PAYMENT_FAILED: Invoice.objects.filter(organization=acme.row),
        KIND.SEATS_OVER_LIMIT: type(acme.row).objects.filter(pk=acme.row.pk),
    }
    subscriptions = Subscription.objects.filter(organization=acme.row)
    for kind in kinds:
        for row in subjects.get(kind, subscriptions):
            jobs.defer_job("billing.send_notice", kind=kind, subject_id=str(row.pk))


def test_failed_payment_is_mailed_once_with_amount_and_grace(unpaid, inbox):
    (notice,) = inbox(unpaid.admin.email)
    invoice = Invoice.objects.get(organization=unpaid.row, status="open")
    until = unpaid.subscription.past_due_since + GRACE_PERIOD

    assert notice["subject"] == "Acme: a payment failed"
    assert f"invoice {invoice.number} of " in notice["text"]
    assert f"{invoice.amount_due / 100:.2f} USD are due" in notice["text"]
    assert f"until {until:%-d %B %Y, %H:%M} UTC" in notice["text"]
    link = f"https://app.example/{unpaid.row.slug}/billing"
    assert f"Billing: {link}" in notice["text"]
    assert f'<a href="{link}">' in notice["html"]

    repeat_jobs(unpaid, KIND.PAYMENT_FAILED)
    assert len(inbox(unpaid.admin.email)) == 1
    assert sent(unpaid) == [KIND.PAYMENT_FAILED]


def test_payment_made_before_the_job_runs_is_not_mailed(unpaid, inbox):
    inbox(unpaid.admin.email)
    invoice = Invoice.objects.get(organization=unpaid.row, status="open")
    Invoice.objects.filter(pk=invoice.pk).update(status="paid")

    assert drafts.build_draft(KIND.PAYMENT_FAILED, invoice.pk) is None


def test_old_open_invoice_that_is_stored_late_is_not_mailed(unpaid, inbox):
    inbox(unpaid.admin.email)
    invoice = Invoice.objects.get(organization=unpaid.row, status="open")
    assert drafts.build_draft(KIND.PAYMENT_FAILED, invoice.pk) is not None

    long_ago = invoice.issued_at - drafts.MAX_NOTICE_AGE
    Invoice.objects.filter(pk=invoice.pk).update(issued_at=long_ago)

    assert drafts.build_draft(KIND.PAYMENT_FAILED, invoice.pk) is None


def test_end_of_a_subscription_is_mailed_once(create, inbox):
    acme = create().subscribe()

    changes.end_subscription_now(organization=acme.row)

    (notice,) = inbox(acme.admin.email)
    assert notice["subject"] == "Acme: the subscription has ended"
    assert "The subscription to the plan Team ended on " in notice["text"]
    repeat_jobs(acme, KIND.SUBSCRIPTION_ENDED)
    assert len(inbox(acme.admin.email)) == 1


def test_end_is_not_mailed_when_another_subscription_has_replaced_it(create):
    acme = create().subscribe()
    changes.end_subscription_now(organization=acme.row)
    before = acme.subscription
    assert drafts.build_draft(KIND.SUBSCRIPTION_ENDED, before.pk) is not None

    acme.subscribe()

    assert drafts.build_draft(KIND.SUBSCRIPTION_ENDED, before.pk) is None


def test_end_of_a_deleted_organization_is_not_mailed(create, inbox):
    acme = create().subscribe()
    type(acme.row).objects.filter(pk=acme.row.pk).update(state="deleted")

    changes.end_all_subscriptions(organization_id=acme.row.pk)

    assert inbox(acme.admin.email) == []
    assert acme.subscription.has_ended


def test_trial_ending_is_mailed_once(create, inbox):
    acme = create(trial_days=2).subscribe()
    assert acme.subscription.status == "trialing"

    for _ in range(2):
        sweep.defer_due_notices()
        (notice,) = inbox(acme.admin.email)

    assert notice["subject"].startswith("Acme: the trial ends on ")
    assert f"{acme.subscription.trial_end:%-d %B %Y, %H:%M} UTC" in notice["subject"]
    assert "continues" in notice["text"]


def test_longer_trial_waits_for_its_last_days(create, inbox):
    acme = create(trial_days=10).subscribe()

    sweep.defer_due_notices()

    assert inbox(acme.admin.email) == []


def test_grace_ending_and_limited_access_are_mailed_once_each(create, inbox):
    acme = create().subscribe()
    acme.edit_at_stripe(status="past_due")
    lead = GRACE_PERIOD - drafts.NOTICE_LEAD

    put(acme, past_due_since=timezone.now() - lead + timedelta(hours=1))
    sweep.defer_due_notices()
    assert KIND.GRACE_ENDING not in [*inbox(acme.admin.email), *sent(acme)]

    put(acme, past_due_since=timezone.now() - lead)
    for _ in range(2):
        sweep.defer_due_notices()
        inbox(acme.admin.email)
    assert sent(acme) == [KIND.GRACE_ENDING]

    limited_since = timezone.now() - GRACE_PERIOD
    put(acme, past_due_since=limited_since)
    sweep.defer_due_notices()
    inbox(acme.admin.email)
    # Stripe stops trying: the same time without payment, under another status.
    put(acme, status="unpaid", past_due_since=None, inactive_since=limited_since)
    for _ in range(2):
        sweep.defer_due_notices()
        ending, limited = inbox(acme.admin.email)

    assert ending["subject"].startswith("Acme: access will be limited on ")
    assert limited["subject"] == "Acme: access is limited"
    assert sent(acme) == [KIND.ACCESS_LIMITED, KIND.GRACE_ENDING]


@pytest.mark.parametrize(("status", "words"), [("unpaid", "invoice"), ("paused", "resumed")])
def test_access_limited_by_status_is_mailed_once(create, inbox, status, words):
    acme = create().subscribe()
    acme.edit_at_stripe(status=status)

    for _ in range(2):
        sweep.defer_due_notices()
        (notice,) = inbox(acme.admin.email)

    assert words in notice["text"]
    assert sent(acme) == [KIND.ACCESS_LIMITED]


def test_what_is_long_past_is_not_mailed(create, inbox):
    acme = create().subscribe()
    acme.edit_at_stripe(status="past_due")

    put(acme, past_due_since=timezone.now() - GRACE_PERIOD - 2 * drafts.MAX_NOTICE_AGE)
    sweep.defer_due_notices()

    assert inbox(acme.admin.email) == []


def test_seats_over_the_limit_are_mailed_once_until_they_fit_again(create, inbox):
    acme = create(maximum_seats=1).subscribe()

    second = acme.add_member()
    wait_for_state(acme, "over_limit")
    (notice,) = inbox(acme.admin.email)
    assert notice["subject"] == "Acme: more seats are taken than the plan has"
    assert "has 1 seat, and 2 are taken" in notice["text"]

    third = acme.add_member()
    wait_for_state(acme, "over_limit")
    repeat_jobs(acme, KIND.SEATS_OVER_LIMIT)
    assert len(inbox(acme.admin.email)) == 1

    for member in (second, third):
        acme.remove_member(member)
    wait_for_state(acme, "in_sync")
    acme.add_member()
    wait_for_state(acme, "over_limit")
    assert len(inbox(acme.admin.email)) == 2


def test_notice_goes_to_admins_and_the_billing_address_once(unpaid, inbox):
    second = unpaid.add_member("admin")
    unpaid.add_member("member")
    blocked, suspended = unpaid.add_member("admin"), unpaid.add_member("admin")
    User.objects.filter(pk=blocked.user_id).update(is_active=False)
    Member.objects.filter(pk=suspended.pk).update(status=Status.SUSPENDED)
    inbox(unpaid.admin.email)
    put_billing_address(unpaid, second.email.upper())

    to = recipients.list_recipients(unpaid.row)

    assert to == [second.email.upper(), unpaid.admin.email]


def test_blocked_admin_gets_no_mail_and_the_billing_address_does(create, inbox):
    acme = create().subscribe()
    blocked = acme.add_member("admin")
    User.objects.filter(pk=blocked.user_id).update(is_active=False)
    office = f"office@{secrets.token_hex(4)}.example"
    profiles.update_profile(organization=acme.row, fields={"email": office})

    changes.end_subscription_now(organization=acme.row)

    assert len(inbox(acme.admin.email)) == 1
    assert len(inbox(office)) == 1
    assert inbox(blocked.email) == []
    assert Notice.objects.get(organization=acme.row).recipients == 2


def test_address_that_cannot_be_named_does_not_hold_back_the_others(create):
    acme = create().subscribe()
    put_billing_address(acme, "büro@acme.example")

    assert recipients.list_recipients(acme.row) == [acme.admin.email]


def test_each_recipient_gets_a_mail_that_names_no_other(create, inbox, sandbox):
    acme = create().subscribe()
    second = acme.add_member("admin")
    office = f"office@{secrets.token_hex(4)}.example"
    profiles.update_profile(organization=acme.row, fields={"email": office})

    changes.end_subscription_now(organization=acme.row)

    addresses = [acme.admin.email, second.email, office]
    assert [len(inbox(address)) for address in addresses] == [1, 1, 1]
    for address in addresses:
        (attempt,) = sandbox.requests("mail", path=address)
        assert attempt["path"] == address
        assert f"To: {address}" in attempt["body"].splitlines()
        assert not any(other in attempt["body"] for other in addresses if other != address)
    notice = Notice.objects.get(organization=acme.row)
    assert (notice.recipients, notice.mails.count(), notice.sent_at is None) == (3, 3, False)


def test_refused_recipient_does_not_keep_the_others_from_their_mail(create, inbox, sandbox):
    acme = create().subscribe()
    second = acme.add_member("admin")
    sandbox.post("/faults", vendor="mail", path=acme.admin.email, status=554, times=2)

    changes.end_subscription_now(organization=acme.row)

    assert [len(inbox(one.email)) for one in (acme.admin, second)] == [1, 1]
    tries = [len(sandbox.requests("mail", path=one.email)) for one in (acme.admin, second)]
    assert tries == [3, 1]


def put_billing_address(acme, address):
    acme.row.customer.billing_email = address
    acme.row.customer.save()


def test_name_of_an_organization_is_escaped_in_html_and_bare_in_text(create, inbox):
    acme = create().subscribe()
    type(acme.row).objects.filter(pk=acme.row.pk).update(name="<b>x\n\nBcc: y")

    changes.end_subscription_now(organization=acme.row)

    (notice,) = inbox(acme.admin.email)
    assert notice["subject"] == "<b>x Bcc: y: the subscription has ended"
    assert "an admin of <b>x Bcc: y" in notice["text"]
    assert "<b>" not in notice["html"]
    assert "&lt;b&gt;x Bcc: y" in notice["html"]


@pytest.mark.parametrize("status", [451, 554])
def test_refused_mail_is_tried_again_and_delivered_once(create, inbox, sandbox, status):
    acme = create().subscribe()
    sandbox.post("/faults", vendor="mail", path=acme.admin.email, status=status, times=2)

    changes.end_subscription_now(organization=acme.row)

    assert len(inbox(acme.admin.email)) == 1
    tries = sandbox.requests("mail", path=acme.admin.email)
    assert [attempt["status"] for attempt in tries] == [status, status, 250]


def test_lost_answer_of_the_mail_server_costs_one_more_mail(create, inbox, sandbox):
    acme = create().subscribe()
    sandbox.post("/faults", vendor="mail", path=acme.admin.email, drop=True, after_effect=True)

    changes.end_subscription_now(organization=acme.row)

    assert len(inbox(acme.admin.email)) == 2
    ids = {
        line
        for attempt in sandbox.requests("mail", path=acme.admin.email)
        for line in attempt["body"].splitlines()
        if line.startswith("Message-ID:")
    }
    assert len(ids) == 1
    repeat_jobs(acme, KIND.SUBSCRIPTION_ENDED)
    assert len(inbox(acme.admin.email)) == 2


# ── in this process, where Django keeps mails in `mail.outbox` ───────────────────────────────


@pytest.fixture
def ended(create, inbox):
    """An organization whose end was mailed, and is forgotten."""
    acme = create().subscribe()
    changes.end_subscription_now(organization=acme.row)
    inbox(acme.admin.email)
    Notice.objects.filter(organization=acme.row).delete()
    mail.outbox.clear()
    return acme


def send_end(acme):
    notices.send_notice(kind=KIND.SUBSCRIPTION_ENDED, subject_id=acme.subscription.pk)


def test_nothing_is_sent_while_notices_are_off(ended, settings):
    settings.BILLING_NOTICES = False
    send_end(ended)
    assert (mail.outbox, sent(ended)) == ([], [])

    settings.BILLING_NOTICES = True
    send_end(ended)
    assert len(mail.outbox) == 1


def test_sweep_defers_nothing_while_notices_are_off(create, inbox, settings):
    acme = create(trial_days=2).subscribe()
    settings.BILLING_NOTICES = False

    sweep.defer_due_notices()

    assert inbox(acme.admin.email) == []


class DyingBackend(EmailBackend):
    """A mail server that accepts one mail, after which the process dies."""

    def send_messages(self, messages):
        if mail.outbox:
            raise SystemExit
        return super().send_messages(messages)


def test_process_that_dies_between_two_recipients_sends_each_one_mail(ended, settings):
    second = ended.add_member("admin")
    backend = f"{__name__}.{DyingBackend.__name__}"
    settings.MAILERS = {"default": {"BACKEND": backend}}
    with pytest.raises(SystemExit):
        send_end(ended)
    assert Notice.objects.get(organization=ended.row).sent_at is None

    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    for _ in range(2):
        send_end(ended)

    assert [message.to for message in mail.outbox] == [[ended.admin.email], [second.email]]
    notice = Notice.objects.get(organization=ended.row)
    assert (notice.recipients, notice.sent_at is None) == (2, False)


def test_sweep_continues_a_notice_that_was_not_sent_to_all(create, inbox):
    acme = create(trial_days=2).subscribe()
    sweep.defer_due_notices()
    inbox(acme.admin.email)
    Notice.objects.filter(organization=acme.row).update(sent_at=None)
    second = acme.add_member("admin")

    sweep.defer_due_notices()

    assert [len(inbox(one.email)) for one in (acme.admin, second)] == [1, 1]


def test_two_jobs_at_once_send_one_mail(ended):
    run_in_parallel(*[lambda: send_end(ended)] * 4)

    assert len(mail.outbox) == 1
    assert sent(ended) == [KIND.SUBSCRIPTION_ENDED]


def test_mail_server_out_of_reach_is_unavailable_without_an_address(ended, settings):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 1},
        }
    }

    with pytest.raises(VendorUnavailable) as refused:
        send_end(ended)

    assert ended.admin.email not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert sent(ended) == []


def test_notice_without_a_front_end_has_no_link(ended, settings):
    settings.FRONTEND_BILLING_URL = ""

    rendered = render.render_notice(
        drafts.build_draft(KIND.SUBSCRIPTION_ENDED, ended.subscription.pk)
    )

    assert "Billing:" not in rendered.text
    assert "href" not in rendered.html


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "usd", "1,234.50 USD"),
        (5, "eur", "0.05 EUR"),
        (-250, "eur", "-2.50 EUR"),
        (1200, "jpy", "1,200 JPY"),
        (1500, "kwd", "1.500 KWD"),
    ],
)
def test_amount_has_the_decimals_of_its_currency(amount, currency, text):
    assert format_amount(amount, currency) == text
