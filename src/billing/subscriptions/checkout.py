"""Buy a plan on one payment page per organization, with the seats counted at that time."""

from dataclasses import replace
from typing import Final

from django.db import transaction
from django.utils import timezone

from billing import event_types, providers
from billing.customers import customers
from billing.errors import SubscriptionExists
from billing.models import Checkout, Customer, Price, Subscription
from billing.plans import provider_prices
from billing.providers.types import CheckoutRequest, CheckoutSnapshot
from billing.seats import snapshot as seats_snapshot
from billing.statuses import ENDED_STATUSES
from billing.subscriptions import payment_pages, subscriptions
from identity.models import Member
from kit import jobs, redirects
from kit.outbound import VendorNotFound, VendorRejected
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

SUBSCRIPTION_EXISTS_DETAIL: Final = (
    "Change or cancel the subscription you have, or settle its open invoice."
)


def open_checkout(
    *,
    organization: Organization,
    price: Price,
    success_url: str,
    cancel_url: str,
    buyer: Member | None = None,
) -> Checkout:
    """Open a payment page for `price`, and close older ones, so that no one pays twice.

    Raises SubscriptionExists while one is live, also at the provider, whose event may not have
    arrived yet. Raises PriceNotAvailable, RedirectNotAllowed, PaymentRefused, VendorUnavailable.
    """
    redirects.require_allowed("/success_url", success_url)
    redirects.require_allowed("/cancel_url", cancel_url)
    _require_none_live(organization)
    email = buyer.email if buyer else ""
    customer = customers.ensure_customer(organization=organization, email=email)
    external_price_id = provider_prices.get_external_id(price, customer.provider)
    with (
        customers.hold_lock(customer.provider, customer.external_id),
        customers.translate_refusals(customer, "the payment page"),
    ):
        # Close first, then look: a page can be paid until it is closed, and the look finds it.
        _close_older(customer)
        _require_none_at_provider(customer)
        page = _create_page(organization, customer, price, buyer)
        request = CheckoutRequest(
            organization_id=organization.pk,
            checkout_id=page.pk,
            customer_id=customer.external_id,
            price_id=external_price_id,
            quantity=page.quantity,
            trial_days=_get_trial_days(organization, price),
            success_url=success_url,
            cancel_url=cancel_url,
        )
        provider = providers.get_provider(customer.provider)
        with (
            payment_pages.close_if_refused(page),
            provider_prices.explain_refusal(provider.key, external_price_id),
        ):
            snapshot = provider.open_checkout(request, key=f"checkout:{page.pk}")
        # Before the lock is released: another request may close this page as soon as it is.
        return _store_opened(organization, page, snapshot)


def _require_none_live(organization: Organization) -> None:
    if seats_snapshot.find_subscription(organization) is not None:
        raise SubscriptionExists(SUBSCRIPTION_EXISTS_DETAIL)


def _require_none_at_provider(customer: Customer) -> None:
    provider = providers.get_provider(customer.provider)
    for snapshot in provider.list_subscriptions(customer.external_id):
        if snapshot.status in ENDED_STATUSES or not subscriptions.is_ours(provider.key, snapshot):
            continue
        subscriptions.defer_pull(provider.key, snapshot.external_id)
        raise SubscriptionExists(SUBSCRIPTION_EXISTS_DETAIL)


def _close_older(customer: Customer) -> None:
    provider = providers.get_provider(customer.provider)
    for page in provider.list_open_checkouts(customer.external_id):
        if not subscriptions.sells_ours(provider.key, page.price_ids):
            continue
        try:
            provider.close_checkout(page.external_id)
        except (VendorRejected, VendorNotFound) as error:
            # Paid in this very moment: what it made will be live in the next.
            jobs.defer_job(
                "billing.complete_checkout", provider=provider.key, external_id=page.external_id
            )
            raise SubscriptionExists(SUBSCRIPTION_EXISTS_DETAIL) from error
        if row := payment_pages.find_page(provider.key, page):
            payment_pages.store_page(row, replace(page, is_open=False))
    open_pages = Checkout.objects.open().filter(organization_id=customer.organization_id)
    open_pages.update(state=Checkout.State.CLOSED, updated_at=timezone.now())


def _create_page(
    organization: Organization, customer: Customer, price: Price, buyer: Member | None
) -> Checkout:
    seats = seats_snapshot.SeatSnapshot.read(organization)
    return Checkout.objects.create(
        organization=organization,
        provider=customer.provider,
        price=price,
        quantity=seats.compute_target(price.plan),
        opened_by=buyer.user if buyer else None,
    )


def _get_trial_days(organization: Organization, price: Price) -> int:
    """Return the trial of the plan, or 0 for an organization that had one."""
    had_trial = Subscription.objects.filter(organization=organization, trial_end__isnull=False)
    return 0 if had_trial.exists() else price.plan.trial_days


def _store_opened(
    organization: Organization, page: Checkout, snapshot: CheckoutSnapshot
) -> Checkout:
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        page.external_id, page.state = snapshot.external_id, Checkout.State.OPEN
        page.url, page.expires_at = snapshot.url, snapshot.expires_at
        page.save()
        details = {"price": page.price.lookup_key, "expires_at": page.expires_at}
        events.record(locked, event_types.CHECKOUT_STARTED, organization.pk, details=details)
    return page
