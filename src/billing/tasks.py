"""The jobs of billing, each safe to run twice."""

from datetime import datetime
from uuid import UUID

from billing.customers import customers
from billing.invoices import invoices
from billing.models import NoticeKind
from billing.notices import notices, sweep
from billing.plans import provider_prices
from billing.providers.types import ObjectKind
from billing.seat_sync import nightly, push, reconcile
from billing.subscriptions import changes, payment_pages, subscriptions
from kit import jobs
from kit.outbound import VendorUnavailable


@jobs.declare_task("billing.sync_seats", queue="billing", retry=None)
def sync_seats(organization_id: str, is_forced: bool = False) -> None:  # noqa: FBT001, FBT002
    """Bring the provider's quantity to the count, and defer another try while it does not answer.

    When forced, the subscription is fetched first, so that a lost edit is found.
    """
    if is_forced:
        subscriptions.pull_live_subscription(UUID(organization_id))
    push.sync_seats(organization_id=UUID(organization_id), is_forced=is_forced)


@jobs.declare_task("billing.sweep_seats", queue="upkeep", retry=None, cron="* * * * * */30")
def sweep_seats() -> None:
    """Defer syncs every 30 seconds, for attempts whose process died and unsettled counts."""
    push.defer_overdue_syncs()


@jobs.declare_task("billing.reconcile_organization", queue="billing", retry=None)
def reconcile_organization(organization_id: str) -> None:
    """Compare one organization with the provider and repair it, later if it does not answer."""
    try:
        reconcile.reconcile_organization(organization_id=UUID(organization_id))
    except VendorUnavailable:
        reconcile.defer_reconciliation_later(UUID(organization_id))


@jobs.declare_task("billing.reconcile_dirty", queue="upkeep", retry=None, cron="7 * * * *")
def reconcile_dirty() -> None:
    """Reconcile every hour the organizations whose seats are not settled."""
    reconcile.defer_reconciliations(reconcile.list_dirty())


@jobs.declare_task("billing.reconcile_all", queue="upkeep", retry=None, cron="23 2 * * *")
def reconcile_all() -> None:
    """Compare every night whole accounts with our rows, and recount all seats.

    Only what differs is fetched and written.
    """
    nightly.defer_comparisons()
    nightly.defer_open_objects()
    nightly.defer_prices()
    reconcile.defer_reconciliations(nightly.list_miscounted())
    changes.defer_ends(reconcile.list_abandoned())


@jobs.declare_task("billing.compare_page", queue="billing")
def compare_page(provider: str, kind: str, cursor: str, started_at: str) -> None:
    """Compare one page of a provider's objects with our rows."""
    nightly.compare_page(
        provider=provider,
        kind=ObjectKind(kind),
        after=cursor,
        started_at=datetime.fromisoformat(started_at),
    )


@jobs.declare_task("billing.pull_invoice", queue="billing")
def pull_invoice(provider: str, external_id: str) -> None:
    """Read an invoice again, when its events were lost."""
    invoices.pull_invoice(provider, external_id)


@jobs.declare_task("billing.pull_price", queue="billing")
def pull_price(provider: str, external_id: str) -> None:
    """Read a price again, when its events were lost."""
    provider_prices.pull_price(provider, external_id)


@jobs.declare_task("billing.end_subscriptions", queue="billing")
def end_subscriptions(organization_id: str) -> None:
    """End what a deleted organization pays for.

    Tried for days, and again every night.
    """
    changes.end_all_subscriptions(organization_id=UUID(organization_id))


@jobs.declare_task("billing.pull_subscription", queue="billing")
def pull_subscription(provider: str, external_id: str) -> None:
    """Read a subscription again, when an outcome is unknown."""
    subscriptions.pull_subscription(provider, external_id)


@jobs.declare_task("billing.pull_customer", queue="billing")
def pull_customer(provider: str, external_id: str) -> None:
    """Read a customer again, when an outcome is unknown."""
    customers.pull_customer(provider, external_id)


@jobs.declare_task("billing.complete_checkout", queue="billing")
def complete_checkout(provider: str, external_id: str) -> None:
    """Read a payment page that was paid while another was asked for."""
    payment_pages.complete_or_close(provider, external_id)


@jobs.declare_task("billing.resolve_checkout", queue="billing")
def resolve_checkout(checkout_id: str) -> None:
    """Look up a payment page whose creation was not confirmed."""
    payment_pages.resolve_checkout(checkout_id=UUID(checkout_id))


@jobs.declare_task("billing.send_notice")
def send_notice(kind: str, subject_id: str) -> None:
    """Mail a notice about billing, unless it was sent or no longer applies."""
    notices.send_notice(kind=NoticeKind(kind), subject_id=UUID(subject_id))


@jobs.declare_task("billing.sweep_notices", queue="upkeep", retry=None, cron="43 * * * *")
def sweep_notices() -> None:
    """Defer every hour the notices that became due by time."""
    sweep.defer_due_notices()
