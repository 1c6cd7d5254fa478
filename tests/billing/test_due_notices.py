"""Check the notices that become due by time: a trial or a grace period ends, access is limited."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Notice, NoticeKind
from billing.notices import drafts, sweep
from billing.statuses import GRACE_PERIOD
from tests.billing.notice_calls import list_sent_kinds, update_subscription


def test_trial_ending_is_mailed_once(create_with_admin, read_inbox):
    acme = create_with_admin(trial_days=2).subscribe()
    assert acme.subscription.status == "trialing"

    for _ in range(2):
        sweep.defer_due_notices()
        (notice,) = read_inbox(acme.admin.email)

    assert notice["subject"].startswith("Acme: the trial ends on ")
    assert f"{acme.subscription.trial_end:%-d %B %Y, %H:%M} UTC" in notice["subject"]
    assert "continues" in notice["text"]


def test_longer_trial_waits_for_its_last_days(create_with_admin, read_inbox):
    acme = create_with_admin(trial_days=10).subscribe()

    sweep.defer_due_notices()

    assert read_inbox(acme.admin.email) == []


def test_grace_ending_and_limited_access_are_mailed_once_each(create_with_admin, read_inbox):
    acme = create_with_admin().subscribe()
    acme.edit_at_stripe(status="past_due")
    lead = GRACE_PERIOD - drafts.NOTICE_LEAD

    update_subscription(acme, past_due_since=timezone.now() - lead + timedelta(hours=1))
    sweep.defer_due_notices()
    assert NoticeKind.GRACE_ENDING not in [*read_inbox(acme.admin.email), *list_sent_kinds(acme)]

    update_subscription(acme, past_due_since=timezone.now() - lead)
    for _ in range(2):
        sweep.defer_due_notices()
        read_inbox(acme.admin.email)
    assert list_sent_kinds(acme) == [NoticeKind.GRACE_ENDING]

    limited_since = timezone.now() - GRACE_PERIOD
    update_subscription(acme, past_due_since=limited_since)
    sweep.defer_due_notices()
    read_inbox(acme.admin.email)
    # Stripe stops trying: the same time without payment, under another status.
    update_subscription(acme, status="unpaid", past_due_since=None, inactive_since=limited_since)
    for _ in range(2):
        sweep.defer_due_notices()
        ending, limited = read_inbox(acme.admin.email)

    assert ending["subject"].startswith("Acme: access will be limited on ")
    assert limited["subject"] == "Acme: access is limited"
    assert list_sent_kinds(acme) == [NoticeKind.ACCESS_LIMITED, NoticeKind.GRACE_ENDING]


@pytest.mark.parametrize(("status", "words"), [("unpaid", "invoice"), ("paused", "resumed")])
def test_access_limited_by_status_is_mailed_once(create_with_admin, read_inbox, status, words):
    acme = create_with_admin().subscribe()
    acme.edit_at_stripe(status=status)

    for _ in range(2):
        sweep.defer_due_notices()
        (notice,) = read_inbox(acme.admin.email)

    assert words in notice["text"]
    assert list_sent_kinds(acme) == [NoticeKind.ACCESS_LIMITED]


def test_what_is_long_past_is_not_mailed(create_with_admin, read_inbox):
    acme = create_with_admin().subscribe()
    acme.edit_at_stripe(status="past_due")

    update_subscription(
        acme, past_due_since=timezone.now() - GRACE_PERIOD - 2 * drafts.MAX_NOTICE_AGE
    )
    sweep.defer_due_notices()

    assert read_inbox(acme.admin.email) == []


def test_sweep_defers_nothing_while_notices_are_off(create_with_admin, read_inbox, settings):
    acme = create_with_admin(trial_days=2).subscribe()
    settings.BILLING_NOTICES = False

    sweep.defer_due_notices()

    assert read_inbox(acme.admin.email) == []


def test_sweep_continues_a_notice_that_was_not_sent_to_all(create_with_admin, read_inbox):
    acme = create_with_admin(trial_days=2).subscribe()
    sweep.defer_due_notices()
    read_inbox(acme.admin.email)
    Notice.objects.filter(organization=acme.row).update(sent_at=None)
    second = acme.add_member("admin")

    sweep.defer_due_notices()

    assert [len(read_inbox(one.email)) for one in (acme.admin, second)] == [1, 1]
