"""The replica of invoices, with one event per payment or failure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from billing import event_types, providers
from billing.customers import customers
from billing.models import Customer, Invoice, NoticeKind, Subscription
from billing.providers.types import InvoiceSnapshot, ObjectKind
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import subscriptions
from events.registry import EventType
from kit import jobs
from kit.outbound import VendorNotFound, VendorRejected
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

# What a stored invoice and the provider's are compared by, under the same names.
COMPARED_COLUMNS: Final = ("status", "total", "tax", "amount_due", "credited", "attempts")


def pull_invoice(provider: str, external_id: str) -> Invoice | None:
    """Fetch an invoice under its lock and store it, or return None when it is not ours.

    Its subscription is fetched first, because the invoice's event may arrive before its own. Raises
    VendorNotFound for one that the provider does not know, unless it was deleted there.
    """
    with providers.hold_lock(provider, ObjectKind.INVOICE, external_id):
        try:
            snapshot = providers.get_provider(provider).fetch_invoice(external_id)
        except VendorNotFound:
            if not _store_deletion(provider, external_id):
                raise
            return None
        if snapshot.subscription_id:
            subscriptions.pull_subscription(provider, snapshot.subscription_id)
        return store_invoice(provider, snapshot)


def _store_deletion(provider: str, external_id: str) -> bool:
    """Delete the row of a deleted draft, and void that of any other deleted invoice.

    Returns False when there is no row, or when the provider does not know the customer either: then
    the secret key may be of another account.
    """
    row = Invoice.objects.filter(provider=provider, external_id=external_id).first()
    if row is None or not _knows_customer(row):
        return False
    with transaction.atomic():
        organization = tenancy_locks.lock_organization(row.organization_id)
        row.refresh_from_db()
        if row.status == Invoice.Status.DRAFT:
            row.delete()
        elif row.status == Invoice.Status.OPEN:
            row.status = Invoice.Status.VOID
            row.save(update_fields=["status", "updated_at"])
            _record_event(organization, row, event_types.INVOICE_VOIDED)
    return True


def _knows_customer(row: Invoice) -> bool:
    """Return whether the provider knows the customer, or had one that is unlinked by now."""
    customer = Customer.objects.filter(organization_id=row.organization_id).first()
    if customer is None or not customer.external_id:
        return True
    try:
        providers.get_provider(row.provider).fetch_customer(customer.external_id)
    except VendorNotFound:
        return False
    return True


def store_invoice(provider: str, snapshot: InvoiceSnapshot) -> Invoice | None:
    """Store an invoice, or return None when it belongs to no organization."""
    organization_id = _find_owner(provider, snapshot)
    if organization_id is None:
        return None
    with transaction.atomic():
        organization = tenancy_locks.lock_organization(organization_id)
        return _store_locked(organization, provider, snapshot)


def list_differing(provider: str, snapshots: Sequence[InvoiceSnapshot]) -> list[str]:
    """Return the ids of those of our customers that differ from our rows, or are not stored."""
    ids = [snapshot.external_id for snapshot in snapshots]
    rows = Invoice.objects.filter(provider=provider, external_id__in=ids).values_list(
        "external_id", *COMPARED_COLUMNS
    )
    stored = {row[0]: row[1:] for row in rows}
    ours = set(
        Customer.objects.filter(
            provider=provider, external_id__in={one.customer_id for one in snapshots}
        ).values_list("external_id", flat=True)
    )
    return [
        one.external_id
        for one in snapshots
        if (one.external_id in stored or one.customer_id in ours)
        and stored.get(one.external_id) != tuple(getattr(one, name) for name in COMPARED_COLUMNS)
    ]


def pull_differing(customer: Customer) -> None:
    """Fetch the invoices of a customer that differ from our rows, to make up for lost events."""
    if not customer.external_id:
        return
    provider = providers.get_provider(customer.provider)
    try:
        listed = provider.list_invoices(customer.external_id)
    except VendorNotFound:  # the customer is unknown there, and its invoices with it
        return
    for external_id in list_differing(provider.key, listed):
        pull_invoice(provider.key, external_id)


def void_open_invoices(organization: Organization) -> None:
    """Void the open invoices of ended subscriptions, and fetch one that the provider refuses.

    Raises VendorUnavailable, and the refusal of one that is open afterwards, once all were tried.
    """
    rows = Invoice.objects.filter(organization=organization, status=Invoice.Status.OPEN)
    ended = rows.filter(subscription__status__in=ENDED_STATUSES).order_by("issued_at")
    refusals = [refusal for row in ended if (refusal := _void_invoice(row)) is not None]
    if refusals:
        raise refusals[0]


def _void_invoice(row: Invoice) -> VendorRejected | VendorNotFound | None:
    """Void an invoice, and return the refusal of one that is open afterwards."""
    provider = providers.get_provider(row.provider)
    with providers.hold_lock(row.provider, ObjectKind.INVOICE, row.external_id):
        try:
            store_invoice(row.provider, provider.void_invoice(row.external_id))
        except (VendorRejected, VendorNotFound) as error:  # perhaps paid or voided meanwhile
            try:
                seen = provider.fetch_invoice(row.external_id)
            except VendorNotFound:
                return None if _store_deletion(row.provider, row.external_id) else error
            store_invoice(row.provider, seen)
            return error if seen.status == Invoice.Status.OPEN else None
    return None


def defer_pull(provider: str, external_id: str, *, after: timedelta | None = None) -> None:
    """Defer a fetch of an invoice, when its events were lost."""
    jobs.defer_job("billing.pull_invoice", after=after, provider=provider, external_id=external_id)


def list_open(*, before: datetime) -> list[tuple[str, str]]:
    """Return provider and id of the invoices that were issued before a time and are open here."""
    rows = Invoice.objects.filter(status=Invoice.Status.OPEN, issued_at__lt=before)
    return list(rows.values_list("provider", "external_id"))


def _find_owner(provider: str, snapshot: InvoiceSnapshot) -> UUID | None:
    """Return the organization of our row, of the subscription, or of the customer.

    In this order: a customer deleted at the provider is unlinked, and its invoices still change.
    """
    rows = Invoice.objects.filter(provider=provider, external_id=snapshot.external_id)
    paid_for = Subscription.objects.filter(
        provider=provider, external_id=snapshot.subscription_id or None
    )
    for known in (rows, paid_for):
        if found := known.values_list("organization_id", flat=True).first():
            return found
    return customers.find_organization_id(provider, snapshot.customer_id)


def _store_locked(organization: Organization, provider: str, snapshot: InvoiceSnapshot) -> Invoice:
    key = {"provider": provider, "external_id": snapshot.external_id}
    row = Invoice.objects.filter(**key).first() or Invoice(organization=organization, **key)
    before, attempts, credited = row.status, row.attempts, row.credited
    subscription = Subscription.objects.filter(
        provider=provider, external_id=snapshot.subscription_id
    ).first()
    row.subscription = subscription or row.subscription
    row.number = snapshot.number
    row.status = snapshot.status
    row.total = snapshot.total
    row.tax = snapshot.tax
    row.amount_due = snapshot.amount_due
    row.credited = snapshot.credited
    row.currency = snapshot.currency
    row.attempts = snapshot.attempts
    row.issued_at = snapshot.issued_at
    row.hosted_url = snapshot.hosted_url
    row.pdf_url = snapshot.pdf_url
    row.save()
    if row.status == Invoice.Status.PAID and before != row.status:
        _record_event(organization, row, event_types.INVOICE_PAID)
    elif row.status == Invoice.Status.VOID and before != row.status:
        _record_event(organization, row, event_types.INVOICE_VOIDED)
    elif row.status == Invoice.Status.OPEN and row.attempts > attempts:
        _record_event(organization, row, event_types.INVOICE_PAYMENT_FAILED)
        jobs.defer_job(
            "billing.send_notice", kind=NoticeKind.PAYMENT_FAILED, subject_id=str(row.pk)
        )
    if row.credited > credited:
        _record_event(organization, row, event_types.INVOICE_CREDITED)
    return row


def _record_event(organization: Organization, row: Invoice, type_: EventType) -> None:
    names = ("number", "total", "currency", "attempts", "credited")
    events.record(organization, type_, row.pk, details={name: getattr(row, name) for name in names})
