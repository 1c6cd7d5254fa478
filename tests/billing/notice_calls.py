"""Read which notices were sent, and repeat their jobs."""

from billing.models import Invoice, Notice, NoticeKind, Subscription
from kit import jobs


def update_subscription(acme, **values):
    """Write columns of the subscription, as if time had passed."""
    Subscription.objects.filter(current_for=acme.row).update(**values)


def list_sent_kinds(acme):
    """Return the kinds of the notices that were sent to an organization."""
    sent = Notice.objects.filter(organization=acme.row, sent_at__isnull=False)
    return sorted(sent.values_list("kind", flat=True))


def repeat_notice_jobs(acme, *kinds):
    """Run the jobs of notices a second time."""
    subjects = {
        NoticeKind.PAYMENT_FAILED: Invoice.objects.filter(organization=acme.row),
        NoticeKind.SEATS_OVER_LIMIT: type(acme.row).objects.filter(pk=acme.row.pk),
    }
    subscriptions = Subscription.objects.filter(organization=acme.row)
    for kind in kinds:
        for row in subjects.get(kind, subscriptions):
            jobs.defer_job("billing.send_notice", kind=kind, subject_id=str(row.pk))
