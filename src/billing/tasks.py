"""Billing's jobs: each a service called later, safe to run twice."""

from uuid import UUID

from billing.customers import customers
from billing.seat_sync import push, reconcile
from billing.subscriptions import changes, checkout, subscriptions
from kit import jobs
from kit.outbound import VendorUnavailable


@jobs.task("billing.sync_seats", queue="billing", retry=None)
def sync_seats(organization_id: str, is_forced: bool = False) -> None:  # noqa: FBT001, FBT002
    """Bring Stripe's quantity to the count; it defers itself again when Stripe is silent."""
    push.sync(organization_id=UUID(organization_id), is_forced=is_forced)


@jobs.task("billing.sweep_seats", queue="upkeep", retry=None, cron="* * * * * */30")
def sweep_seats() -> None:
    """Every 30 seconds: attempts whose owner died, and counts nobody settled."""
    push.sweep()


@jobs.task("billing.reconcile_organization", queue="billing", retry=None)
def reconcile_organization(organization_id: str) -> None:
    """Compare one organization with Stripe, and repair; while Stripe is silent, look in later."""
    try:
        reconcile.reconcile(organization_id=UUID(organization_id))
    except VendorUnavailable:
        reconcile.defer_later(UUID(organization_id))


@jobs.task("billing.reconcile_dirty", queue="upkeep", retry=None, cron="7 * * * *")
def reconcile_dirty() -> None:
    """Every hour: the organizations whose seats are not settled."""
    reconcile.defer(reconcile.dirty())


@jobs.task("billing.reconcile_all", queue="upkeep", retry=None, cron="23 2 * * *")
def reconcile_all() -> None:
    """Every night: everybody who has ever been about to pay, and whoever was deleted and still does."""
    reconcile.defer(reconcile.candidates())
    changes.defer_ends(reconcile.abandoned())


@jobs.task("billing.end_subscriptions", queue="billing")
def end_subscriptions(organization_id: str) -> None:
    """End what a deleted organization pays for; tried for days, and found again every night."""
    changes.end_all(organization_id=UUID(organization_id))


@jobs.task("billing.pull_subscription", queue="billing")
def pull_subscription(external_id: str) -> None:
    """Read a subscription again, when an outcome is unknown."""
    subscriptions.pull(external_id)


@jobs.task("billing.pull_customer", queue="billing")
def pull_customer(customer_id: str) -> None:
    """Read a customer again, when an outcome is unknown."""
    customers.pull(customer_id)


@jobs.task("billing.complete_checkout", queue="billing")
def complete_checkout(checkout_id: str) -> None:
    """Read a payment page that was paid while another was asked for."""
    checkout.complete(checkout_id)
