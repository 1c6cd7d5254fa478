"""The replica of invoices: fetched, written whole, and told once per payment or failure."""

from django.db import transaction

from billing import event_types, providers
from billing.customers import customers
from billing.models import Invoice, Subscription
from billing.providers.types import InvoiceSnapshot
from billing.subscriptions import subscriptions
from events.registry import EventType
from kit import locks
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events


def pull(invoice_id: str) -> Invoice | None:
    """Fetch it again under its lock and write what Stripe says; None when it is nobody's.

    What it did to its subscription is read first: an invoice may be heard of before it.
    """
    with locks.object(f"stripe:{invoice_id}"):
        snapshot = providers.current().fetch_invoice(invoice_id)
        if snapshot.subscription_id:
            subscriptions.pull(snapshot.subscription_id)
        return follow(snapshot)


def follow(snapshot: InvoiceSnapshot) -> Invoice | None:
    """Write one invoice; a draft may still change and is not shown."""
    organization_id = customers.find_organization_id(snapshot.customer_id)
    if organization_id is None:
        return None
    with transaction.atomic():
        return _write(tenancy_locks.organization(organization_id), snapshot)


def _write(organization: Organization, snapshot: InvoiceSnapshot) -> Invoice:
    row = Invoice.objects.filter(external_id=snapshot.external_id).first()
    row = row or Invoice(organization=organization, external_id=snapshot.external_id)
    before, attempts = row.status, row.attempts
    agreed = Subscription.objects.filter(external_id=snapshot.subscription_id).first()
    row.subscription = agreed or row.subscription
    row.number = snapshot.number
    row.status = snapshot.status
    row.total = snapshot.total
    row.amount_due = snapshot.amount_due
    row.currency = snapshot.currency
    row.attempts = snapshot.attempts
    row.issued_at = snapshot.issued_at
    row.hosted_url = snapshot.hosted_url
    row.pdf_url = snapshot.pdf_url
    row.save()
    if row.status == Invoice.Status.PAID and before != row.status:
        _record(organization, row, event_types.INVOICE_PAID)
    elif row.status == Invoice.Status.OPEN and row.attempts > attempts:
        _record(organization, row, event_types.INVOICE_PAYMENT_FAILED)
    return row


def _record(organization: Organization, row: Invoice, type_: EventType) -> None:
    told = ("number", "total", "currency", "attempts")
    events.write(organization, type_, row.pk, details={name: getattr(row, name) for name in told})
