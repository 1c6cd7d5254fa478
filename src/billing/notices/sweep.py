"""Find the notices that become due by time, and defer a job for each."""

from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.models import Notice, Subscription
from billing.notices.drafts import MAX_NOTICE_AGE, NOTICE_LEAD, Draft, list_subscription_drafts
from billing.statuses import GRACE_PERIOD, Status
from kit import jobs


def defer_due_notices() -> None:
    """Defer each notice that applies now and was neither sent nor deferred before."""
    if not settings.BILLING_NOTICES:
        return
    now = timezone.now()
    due = [
        draft
        for row in list_candidates(now).iterator(chunk_size=500)
        for draft in list_subscription_drafts(row, now=now)
    ]
    for draft in _drop_handled(due):
        jobs.defer_job("billing.send_notice", kind=draft.kind, subject_id=str(draft.subject_id))


def list_candidates(now: datetime) -> QuerySet[Subscription]:
    """Select the live subscriptions that a notice may be due for, by the columns alone."""
    unpaid_since = now - GRACE_PERIOD - MAX_NOTICE_AGE
    is_due = (
        Q(status=Status.TRIALING, trial_end__gt=now, trial_end__lte=now + NOTICE_LEAD)
        | Q(
            status=Status.PAST_DUE,
            past_due_since__gte=unpaid_since,
            past_due_since__lte=now - GRACE_PERIOD + NOTICE_LEAD,
        )
        | Q(status__in=(Status.UNPAID, Status.PAUSED), inactive_since__gte=unpaid_since)
    )
    return Subscription.objects.live().filter(is_due).select_related("organization", "price__plan")


def _drop_handled(due: list[Draft]) -> list[Draft]:
    sent = set(
        Notice.objects.filter(
            reference__in=[draft.reference for draft in due], sent_at__isnull=False
        ).values_list("organization_id", "kind", "reference")
    )
    waiting = set(
        ProcrastinateJob.objects.filter(
            task_name="billing.send_notice", status__in=("todo", "doing")
        ).values_list("args__kind", "args__subject_id")
    )
    return [
        draft
        for draft in due
        if (draft.organization.pk, draft.kind, draft.reference) not in sent
        and (draft.kind, str(draft.subject_id)) not in waiting
    ]
