"""Buying: one payment page per organization, with the seats counted at that moment."""

from typing import Final

from django.db import transaction

from billing import event_types, providers, redirects
from billing.customers import customers
from billing.errors import SubscriptionExists
from billing.models import Price, Subscription
from billing.providers.types import CheckoutRequest, CheckoutSnapshot
from billing.seat_rules import target
from billing.seats import snapshot as seats_snapshot
from billing.statuses import ENDED
from billing.subscriptions import subscriptions
from kit import jobs, locks
from kit.ids import uuid7
from kit.outbound import VendorNotFound, VendorRejected
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

EXISTS: Final = "Change or cancel the subscription you have, or settle its open invoice."


def create(
    *, organization: Organization, price: Price, success_url: str, cancel_url: str, email: str = ""
) -> CheckoutSnapshot:
    """A payment page for `price`; an older open one is closed, so that nobody pays twice.

    Raises SubscriptionExists while one is live, at Stripe too: a payment of a moment ago may not
    have reached us yet. Raises RedirectNotAllowed, PaymentRefused, VendorUnavailable.
    """
    redirects.require_allowed("success_url", success_url)
    redirects.require_allowed("cancel_url", cancel_url)
    _require_none_live(organization)
    customer_id = customers.ensure(organization=organization, email=email)
    with (
        locks.object(f"stripe:{customer_id}", patience=customers.PATIENCE),
        customers.refusals(customer_id, "the payment page"),
    ):
        # In this order: a page may be paid until it is closed, and what that made shows then.
        _close_older(customer_id)
        _require_none_at_stripe(customer_id)
        request = _request(
            organization=organization,
            price=price,
            customer_id=customer_id,
            success_url=success_url,
            cancel_url=cancel_url,
        )
        page = providers.current().open_checkout(request, key=f"checkout:{uuid7()}")
    _record(organization, price, page)
    return page


def complete(checkout_id: str) -> Subscription | None:
    """Fetch a finished page and the subscription it made; None when it is nobody's."""
    page = providers.current().fetch_checkout(checkout_id)
    return subscriptions.pull(page.subscription_id) if page.subscription_id else None


def _require_none_live(organization: Organization) -> None:
    if seats_snapshot.find_subscription(organization) is not None:
        raise SubscriptionExists(EXISTS)


def _require_none_at_stripe(customer_id: str) -> None:
    for snapshot in providers.current().subscriptions_of(customer_id):
        if snapshot.status not in ENDED and subscriptions.is_ours(snapshot):
            jobs.defer("billing.pull_subscription", external_id=snapshot.external_id)
            raise SubscriptionExists(EXISTS)


def _close_older(customer_id: str) -> None:
    for page in providers.current().open_checkouts(customer_id):
        if not subscriptions.sells_ours(page.price_ids):
            continue
        try:
            providers.current().expire_checkout(page.external_id)
        except (VendorRejected, VendorNotFound) as error:
            # Paid in this very moment: what it made will be live in the next.
            jobs.defer("billing.complete_checkout", checkout_id=page.external_id)
            raise SubscriptionExists(EXISTS) from error


def _request(
    *, organization: Organization, price: Price, customer_id: str, success_url: str, cancel_url: str
) -> CheckoutRequest:
    counted = seats_snapshot.count(organization, price.plan).counted
    had_trial = Subscription.objects.filter(organization=organization, trial_end__isnull=False)
    return CheckoutRequest(
        organization_id=organization.pk,
        customer_id=customer_id,
        price_id=price.stripe_price_id or "",
        quantity=target(counted, price.plan.seat_policy),
        trial_days=0 if had_trial.exists() else price.plan.trial_days,
        success_url=success_url,
        cancel_url=cancel_url,
    )


def _record(organization: Organization, price: Price, page: CheckoutSnapshot) -> None:
    with transaction.atomic():
        locked = tenancy_locks.organization(organization.pk)
        details = {"price": price.lookup_key, "expires_at": page.expires_at}
        events.write(locked, event_types.CHECKOUT_STARTED, organization.pk, details=details)
