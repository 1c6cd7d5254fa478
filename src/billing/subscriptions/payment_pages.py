"""The rows of payment pages, and what became of the pages at the provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.utils import timezone

from billing import providers
from billing.errors import PriceNotAvailable
from billing.models import Checkout, Customer, Subscription
from billing.providers.types import CheckoutSnapshot, ObjectKind
from billing.subscriptions import subscriptions
from kit import jobs
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable

log = structlog.get_logger(__name__)


def complete_checkout(provider: str, external_id: str) -> Subscription | Checkout | None:
    """Fetch a payment page, store its state, and fetch its subscription if it was paid.

    Returns the subscription, the page if it was not paid, or None if neither is ours.
    """
    snapshot = providers.get_provider(provider).fetch_checkout(external_id)
    page = find_page(provider, snapshot)
    if page is not None:
        store_page(page, snapshot)
    if not snapshot.subscription_id:
        return page
    return subscriptions.pull_subscription(provider, snapshot.subscription_id)


def complete_or_close(provider: str, external_id: str) -> None:
    """Complete a payment page of ours, and close the row of one that the provider does not know.

    It is of another account, or of test data that was wiped. Should it be paid after all, its event
    completes it.
    """
    try:
        complete_checkout(provider, external_id)
    except VendorNotFound:
        log.warning("payment_page_unknown_at_provider", provider=provider, page=external_id)
        rows = Checkout.objects.open().filter(provider=provider, external_id=external_id)
        rows.update(state=Checkout.State.CLOSED, updated_at=timezone.now())


def find_page(provider: str, snapshot: CheckoutSnapshot) -> Checkout | None:
    """Return the row of a page, by its id, or by our own id if the answer with its id was lost."""
    rows = Checkout.objects.filter(provider=provider)
    if row := rows.filter(external_id=snapshot.external_id).first():
        return row
    checkout_id = _parse_id(snapshot.checkout_hint)
    return rows.unconfirmed().filter(pk=checkout_id).first() if checkout_id else None


def store_page(page: Checkout, snapshot: CheckoutSnapshot) -> None:
    """Store the state of a page."""
    page.external_id, page.expires_at = snapshot.external_id, snapshot.expires_at
    if snapshot.is_open:
        page.state, page.url = Checkout.State.OPEN, snapshot.url
    else:
        page.state = Checkout.State.PAID if snapshot.subscription_id else Checkout.State.CLOSED
    page.save(update_fields=["external_id", "expires_at", "state", "url", "updated_at"])


@contextmanager
def close_if_refused(page: Checkout) -> Iterator[None]:
    """Close the row of a page that was not created, and keep one whose outcome is unknown."""
    try:
        yield
    except (VendorRejected, VendorNotFound, PriceNotAvailable):
        _close_row(page)
        raise
    except VendorUnavailable as error:
        if error.outcome_known:
            _close_row(page)
        raise


def defer_resolution(page: Checkout) -> None:
    """Defer the job that looks up a page whose creation was not confirmed."""
    jobs.defer_job("billing.resolve_checkout", checkout_id=str(page.pk))


def resolve_checkout(*, checkout_id: UUID) -> None:
    """Look up a page whose creation was not confirmed, and close its row where there is none.

    Under the customer's lock, which the request that creates the page holds. A page that is not
    open was not created, or has expired without its address being given to anyone.
    """
    page = Checkout.objects.unconfirmed().filter(pk=checkout_id).first()
    if page is None:
        return
    known = Customer.objects.filter(organization_id=page.organization_id, provider=page.provider)
    customer = known.exclude(external_id="").first()
    if customer is None:  # deleted at the provider, with its pages
        _close_row(page)
        return
    with providers.hold_lock(page.provider, ObjectKind.CUSTOMER, customer.external_id):
        _resolve_locked(page, customer)


def _resolve_locked(page: Checkout, customer: Customer) -> None:
    try:
        listed = providers.get_provider(page.provider).list_open_checkouts(customer.external_id)
    except VendorNotFound:
        listed = []
    if not Checkout.objects.unconfirmed().filter(pk=page.pk).exists():
        return  # confirmed or closed while this waited for the lock
    for snapshot in listed:
        if _parse_id(snapshot.checkout_hint) == page.pk:
            store_page(page, snapshot)
            return
    _close_row(page)


def _close_row(page: Checkout) -> None:
    page.state = Checkout.State.CLOSED
    Checkout.objects.unconfirmed().filter(pk=page.pk).update(
        state=page.state, updated_at=timezone.now()
    )


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
