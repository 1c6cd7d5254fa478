"""Buy a plan on one payment page per organization, with the seats counted at that time."""

from typing import Final

from django.db import transaction

from billing import event_types, providers, redirects
from billing.customers import customers
from billing.errors import SubscriptionExists
from billing.models import Price, Subscription
from billing.providers.types import CheckoutRequest, CheckoutSnapshot
from billing.seat_rules import compute_target
from billing.seats import snapshot as seats_snapshot
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import subscriptions
from kit import jobs, locks
from kit.ids import uuid7
from kit.outbound import VendorNotFound, VendorRejected
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

SUBSCRIPTION_EXISTS_DETAIL: Final = (
    "Change or cancel the subscription you have, or settle its open invoice."
)


def open_checkout(
    *, organization: Organization, price: Price, success_url: str, cancel_url: str, email: str = ""
) -> CheckoutSnapshot:
    """Open a payment page for `price`, and close an older one, so that no one pays twice.

    Raises SubscriptionExists while one is live, at Stripe too: a payment of a moment ago may not
    have reached us yet. Raises RedirectNotAllowed, PaymentRefused, VendorUnavailable.
    """
    redirects.require_allowed("success_url", success_url)
    redirects.require_allowed("cancel_url", cancel_url)
    _require_none_live(organization)
    customer_id = customers.ensure_customer(organization=organization, email=email)
    with (
        locks.hold_vendor_object("stripe", customer_id, wait_seconds=customers.LOCK_WAIT_SECONDS),
        customers.translate_refusals(customer_id, "the payment page"),
    ):
        # In this order: a page may be paid until it is closed, and what that made shows then.
        _close_older(customer_id)
        _require_none_at_stripe(customer_id)
        request = _build_request(
            organization=organization,
            price=price,
            customer_id=customer_id,
            success_url=success_url,
            cancel_url=cancel_url,
        )
        page = providers.get_provider().open_checkout(request, key=f"checkout:{uuid7()}")
    _record_event(organization, price, page)
    return page


def complete_checkout(checkout_id: str) -> Subscription | None:
    """Fetch a finished page and its subscription.

    Returns None when it is not ours.
    """
    page = providers.get_provider().fetch_checkout(checkout_id)
    return subscriptions.pull_subscription(page.subscription_id) if page.subscription_id else None


def _require_none_live(organization: Organization) -> None:
    if seats_snapshot.find_subscription(organization) is not None:
        raise SubscriptionExists(SUBSCRIPTION_EXISTS_DETAIL)


def _require_none_at_stripe(customer_id: str) -> None:
    for snapshot in providers.get_provider().list_subscriptions(customer_id):
        if snapshot.status not in ENDED_STATUSES and subscriptions.has_our_price(snapshot):
            jobs.defer_job("billing.pull_subscription", external_id=snapshot.external_id)
            raise SubscriptionExists(SUBSCRIPTION_EXISTS_DETAIL)


def _close_older(customer_id: str) -> None:
    for page in providers.get_provider().list_open_checkouts(customer_id):
        if not subscriptions.sells_ours(page.price_ids):
            continue
        try:
            providers.get_provider().expire_checkout(page.external_id)
        except (VendorRejected, VendorNotFound) as error:
            # Paid in this very moment: what it made will be live in the next.
            jobs.defer_job("billing.complete_checkout", checkout_id=page.external_id)
            raise SubscriptionExists(SUBSCRIPTION_EXISTS_DETAIL) from error


def _build_request(
    *, organization: Organization, price: Price, customer_id: str, success_url: str, cancel_url: str
) -> CheckoutRequest:
    counted = seats_snapshot.count_seats(organization, price.plan).counted
    had_trial = Subscription.objects.filter(organization=organization, trial_end__isnull=False)
    return CheckoutRequest(
        organization_id=organization.pk,
        customer_id=customer_id,
        price_id=price.stripe_price_id or "",
        quantity=compute_target(counted, price.plan.seat_policy),
        trial_days=0 if had_trial.exists() else price.plan.trial_days,
        success_url=success_url,
        cancel_url=cancel_url,
    )


def _record_event(organization: Organization, price: Price, page: CheckoutSnapshot) -> None:
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        details = {"price": price.lookup_key, "expires_at": page.expires_at}
        events.record(locked, event_types.CHECKOUT_STARTED, organization.pk, details=details)
