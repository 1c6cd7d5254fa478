"""Check that each occasion about a payment, an end or a limit is mailed once."""

from billing.models import Invoice, NoticeKind
from billing.notices import drafts
from billing.statuses import GRACE_PERIOD
from billing.subscriptions import changes
from tests.billing.notice_calls import list_sent_kinds, repeat_notice_jobs
from tests.harness.stack import poll


def test_failed_payment_is_mailed_once_with_amount_and_grace(declined_organization, read_inbox):
    (notice,) = read_inbox(declined_organization.admin.email)
    invoice = Invoice.objects.get(organization=declined_organization.row, status="open")
    grace_end = declined_organization.subscription.past_due_since + GRACE_PERIOD

    assert notice["subject"] == "Acme: a payment failed"
    assert f"invoice {invoice.number} of " in notice["text"]
    assert f"{invoice.amount_due / 100:.2f} USD are due" in notice["text"]
    assert f"until {grace_end:%-d %B %Y, %H:%M} UTC" in notice["text"]
    link = f"https://app.example/{declined_organization.row.slug}/billing"
    assert f"Billing: {link}" in notice["text"]
    assert f'<a href="{link}">' in notice["html"]

    repeat_notice_jobs(declined_organization, NoticeKind.PAYMENT_FAILED)
    assert len(read_inbox(declined_organization.admin.email)) == 1
    assert list_sent_kinds(declined_organization) == [NoticeKind.PAYMENT_FAILED]


def test_payment_made_before_the_job_runs_is_not_mailed(declined_organization, read_inbox):
    read_inbox(declined_organization.admin.email)
    invoice = Invoice.objects.get(organization=declined_organization.row, status="open")
    Invoice.objects.filter(pk=invoice.pk).update(status="paid")

    assert drafts.build_draft(NoticeKind.PAYMENT_FAILED, invoice.pk) is None


def test_old_open_invoice_that_is_stored_late_is_not_mailed(declined_organization, read_inbox):
    read_inbox(declined_organization.admin.email)
    invoice = Invoice.objects.get(organization=declined_organization.row, status="open")
    assert drafts.build_draft(NoticeKind.PAYMENT_FAILED, invoice.pk) is not None

    long_ago = invoice.issued_at - drafts.MAX_NOTICE_AGE
    Invoice.objects.filter(pk=invoice.pk).update(issued_at=long_ago)

    assert drafts.build_draft(NoticeKind.PAYMENT_FAILED, invoice.pk) is None


def test_end_of_a_subscription_is_mailed_once(create_with_admin, read_inbox):
    acme = create_with_admin().subscribe()

    changes.end_subscription_now(organization=acme.row)

    (notice,) = read_inbox(acme.admin.email)
    assert notice["subject"] == "Acme: the subscription has ended"
    assert "The subscription to the plan Team ended on " in notice["text"]
    repeat_notice_jobs(acme, NoticeKind.SUBSCRIPTION_ENDED)
    assert len(read_inbox(acme.admin.email)) == 1


def test_end_is_not_mailed_when_another_subscription_has_replaced_it(create_with_admin):
    acme = create_with_admin().subscribe()
    changes.end_subscription_now(organization=acme.row)
    ended = acme.subscription
    assert drafts.build_draft(NoticeKind.SUBSCRIPTION_ENDED, ended.pk) is not None

    acme.subscribe()

    assert drafts.build_draft(NoticeKind.SUBSCRIPTION_ENDED, ended.pk) is None


def test_end_of_a_deleted_organization_is_not_mailed(create_with_admin, read_inbox):
    acme = create_with_admin().subscribe()
    type(acme.row).objects.filter(pk=acme.row.pk).update(state="deleted")

    changes.end_all_subscriptions(organization_id=acme.row.pk)

    assert read_inbox(acme.admin.email) == []
    assert acme.subscription.has_ended


def wait_for_state(acme, state):
    """Sync the seats, next to the worker, until they have this state."""
    poll(lambda: acme.sync_seats().seat_state == state, what=f"the seat state {state}")


def test_seats_over_the_limit_are_mailed_once_until_they_fit_again(create_with_admin, read_inbox):
    acme = create_with_admin(maximum_seats=1).subscribe()

    second = acme.add_member()
    wait_for_state(acme, "over_limit")
    (notice,) = read_inbox(acme.admin.email)
    assert notice["subject"] == "Acme: more seats are taken than the plan has"
    assert "has 1 seat, and 2 are taken" in notice["text"]

    third = acme.add_member()
    wait_for_state(acme, "over_limit")
    repeat_notice_jobs(acme, NoticeKind.SEATS_OVER_LIMIT)
    assert len(read_inbox(acme.admin.email)) == 1

    for member in (second, third):
        acme.remove_member(member)
    wait_for_state(acme, "in_sync")
    acme.add_member()
    wait_for_state(acme, "over_limit")
    assert len(read_inbox(acme.admin.email)) == 2
