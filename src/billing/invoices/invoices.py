"""The replica of invoices, with one event per payment or failure."""

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


def pull_invoice(invoice_id: str) -> Invoice | None:
    """Fetch an invoice under its lock and store it.

    Returns None when it belongs to no organization.

    What it did to its subscription is read first: an invoice may be heard of before it.
    """
    with locks.hold_vendor_object("stripe", invoice_id):
        snapshot = providers.get_provider().fetch_invoice(invoice_id)
        if snapshot.subscription_id:
            subscriptions.pull_subscription(snapshot.subscription_id)
        return store_invoice(snapshot)


def store_invoice(snapshot: InvoiceSnapshot) -> Invoice | None:
    """Store an invoice, except a draft, which may still change."""
    organization_id = customers.find_organization_id(snapshot.customer_id)
    if organization_id is None:
        return None
    with transaction.atomic():
        return _store_locked(tenancy_locks.lock_organization(organization_id), snapshot)


def _store_locked(organization: Organization, snapshot: InvoiceSnapshot) -> Invoice:
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
        _record_event(organization, row, event_types.INVOICE_PAID)
    elif row.status == Invoice.Status.OPEN and row.attempts > attempts:
        _record_event(organization, row, event_types.INVOICE_PAYMENT_FAILED)
    return row


def _record_event(organization: Organization, row: Invoice, type_: EventType) -> None:
    told = ("number", "total", "currency", "attempts")
    events.record(organization, type_, row.pk, details={name: getattr(row, name) for name in told})
