"""One customer per organization at a provider, with a profile that is the same on both sides."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction

from billing import providers
from billing.errors import PaymentRefused
from billing.models import Customer, Subscription
from billing.providers.errors import KeySpent
from billing.providers.types import CustomerSnapshot, ObjectKind, Profile
from kit import jobs, locks
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)

# How long a request waits for a job that is calling the provider about the same object.
LOCK_WAIT_SECONDS: Final = 4.0

PROFILE_COLUMNS: Final = {
    "name": "billing_name",
    "email": "billing_email",
    "address_line1": "billing_address_line1",
    "address_line2": "billing_address_line2",
    "city": "billing_city",
    "state": "billing_state",
    "postal_code": "billing_postal_code",
    "country": "billing_country",
}


def get_profile(organization: Organization) -> Customer:
    """Return the organization's billing profile, an empty one if there is none yet."""
    found = Customer.objects.filter(organization_id=organization.pk).first()
    return found or Customer(organization=organization, billing_name=organization.name)


def build_provider_profile(customer: Customer) -> Profile:
    """Return the profile in the provider's terms."""
    return Profile(**{name: getattr(customer, column) for name, column in PROFILE_COLUMNS.items()})


def ensure_customer(*, organization: Organization, email: str = "", provider: str = "") -> Customer:
    """Return the organization with a customer at its provider, created now if there is none.

    A first customer goes to `provider`, by default the first configured one. Not within a
    transaction. Repeating it after any failure finds the same customer: the key holds for a day,
    and the lock lets only one process try at a time. Raises PaymentRefused and VendorUnavailable.
    """
    with hold_customer_lock(organization):
        customer = _prepare_customer(organization, email, provider)
        if customer.external_id:
            return customer
        external_id = _create_at_provider(customer)
        # Held so that what we push is not read back half done.
        with hold_lock(customer.provider, external_id):
            _push_profile(customer, external_id)
            with transaction.atomic():
                tenancy_locks.lock_organization(organization.pk)
                customer.external_id = external_id
                customer.save(update_fields=["external_id", "updated_at"])
        return customer


def hold_customer_lock(organization: Organization) -> AbstractContextManager[None]:
    """Let one process at a time decide whether the organization has a customer."""
    return locks.hold_object(f"customer:{organization.pk}", wait_seconds=LOCK_WAIT_SECONDS)


def hold_lock(provider: str, external_id: str) -> AbstractContextManager[None]:
    """Hold a customer at its provider, for a request that waits no longer than a few seconds."""
    return providers.hold_lock(
        provider, ObjectKind.CUSTOMER, external_id, wait_seconds=LOCK_WAIT_SECONDS
    )


def pull_customer(provider: str, external_id: str) -> Customer | None:
    """Fetch a customer and store it, or return None when it belongs to no organization.

    A stored one that the provider does not know is unlinked, so that the next purchase creates
    another, unless a subscription of it lives. Raises VendorNotFound for any other.
    """
    with providers.hold_lock(provider, ObjectKind.CUSTOMER, external_id):
        try:
            snapshot = providers.get_provider(provider).fetch_customer(external_id)
        except VendorNotFound:
            return _unlink_missing(provider, external_id)
        with transaction.atomic():
            return _store_snapshot(provider, snapshot)


def store_profile(customer: Customer, snapshot: CustomerSnapshot) -> dict[str, tuple[Any, Any]]:
    """Store the provider's profile and VAT number, and return what changed."""
    changes = _find_profile_changes(customer, snapshot)
    for column, (_, value) in changes.items():
        setattr(customer, column, value)
    if changes:
        customer.save()
    return changes


def _find_profile_changes(
    customer: Customer, snapshot: CustomerSnapshot
) -> dict[str, tuple[Any, Any]]:
    """Return the columns that differ, with our value and the provider's."""
    # Providers take longer texts than an invoice shows: a name too long must not stop the rest.
    known = {
        column: shorten_value(column, getattr(snapshot.profile, name))
        for name, column in PROFILE_COLUMNS.items()
    }
    tax_id = snapshot.vat_number
    known["vat_id"] = shorten_value("vat_id", tax_id.value) if tax_id else ""
    known["vat_status"] = tax_id.status if tax_id else ""
    known["external_tax_id"] = tax_id.external_id if tax_id else ""
    return {
        column: (getattr(customer, column), value)
        for column, value in known.items()
        if getattr(customer, column) != value
    }


def shorten_value(column: str, value: str) -> str:
    """Return what a column holds of a value of the provider."""
    field = Customer._meta.get_field(column)  # noqa: SLF001 - Django's documented _meta
    return value[: getattr(field, "max_length", None)]


def list_differing(provider: str, snapshots: Sequence[CustomerSnapshot]) -> list[str]:
    """Return the ids of our customers whose stored profile differs from the provider's."""
    ids = [snapshot.external_id for snapshot in snapshots]
    rows = Customer.objects.filter(provider=provider, external_id__in=ids)
    stored = {row.external_id: row for row in rows}
    return [
        one.external_id
        for one in snapshots
        if (row := stored.get(one.external_id)) and _find_profile_changes(row, one)
    ]


def find_organization_id(provider: str, external_id: str, hint: str = "") -> UUID | None:
    """Return whose customer this is, by our row, or by its metadata if we have no other."""
    known = Customer.objects.filter(provider=provider, external_id=external_id)
    if found := known.values_list("organization_id", flat=True).first():
        return found
    try:
        organization_id = UUID(hint)
    except ValueError:
        return None
    if not Organization.objects.filter(pk=organization_id).exists():
        return None
    # Metadata can be edited and customers copied: never believed against a customer we know.
    taken = Customer.objects.filter(organization_id=organization_id)
    if taken.exclude(external_id="").exists():
        log.error("customer_claimed_twice", organization_id=hint, customer=external_id)
        return None
    return organization_id


def link_customer(organization: Organization, provider: str, external_id: str) -> None:
    """Store the customer of an organization that has none, under its lock."""
    customer, _ = Customer.objects.get_or_create(
        organization=organization, defaults={"billing_name": organization.name}
    )
    if not customer.external_id:
        customer.provider, customer.external_id = provider, external_id
        customer.save(update_fields=["provider", "external_id", "updated_at"])


@contextmanager
def translate_refusals(customer: Customer, what: str) -> Iterator[None]:
    """Translate the provider's refusals, and fetch a customer again that it does not know."""
    name = providers.get_display_name(customer.provider)
    try:
        yield
    except VendorRejected as error:
        raise PaymentRefused(f"{name} refused {what}.", reason=error.code) from error
    except VendorNotFound as error:
        defer_pull(customer.provider, customer.external_id)
        raise PaymentRefused(
            f"{name} refused {what}. Try again in a moment.", reason=error.code
        ) from error


def defer_pull(provider: str, external_id: str, *, after: timedelta | None = None) -> None:
    """Defer a fetch of a customer, when an outcome is unknown."""
    jobs.defer_job("billing.pull_customer", after=after, provider=provider, external_id=external_id)


def _prepare_customer(organization: Organization, email: str, provider: str) -> Customer:
    with transaction.atomic():
        tenancy_locks.lock_organization(organization.pk)
        customer, _ = Customer.objects.get_or_create(
            organization=organization,
            defaults={"billing_name": organization.name, "billing_email": email},
        )
        if email and not customer.billing_email:
            customer.billing_email = email
        if not customer.external_id:
            customer.provider = provider or providers.get_default_provider().key
        customer.save(update_fields=["billing_email", "provider", "updated_at"])
        return customer


def _create_at_provider(customer: Customer) -> str:
    """Create a customer with a key that finds the same one when it is repeated."""
    key = f"customer:{customer.organization_id}:{customer.generation}"
    provider = providers.get_provider(customer.provider)
    try:
        return provider.create_customer(
            customer.organization_id, build_provider_profile(customer), key=key
        )
    except KeySpent as error:
        # What was begun there is empty and unused. The next try makes another.
        customer.generation += 1
        customer.save(update_fields=["generation", "updated_at"])
        raise VendorUnavailable(customer.provider, outcome_known=False) from error


def _push_profile(customer: Customer, external_id: str) -> None:
    """Send the profile, the VAT number first, so that its refusal leaves the rest as it was."""
    provider = providers.get_provider(customer.provider)
    try:
        if customer.vat_id and provider.fetch_customer(external_id).vat_number is None:
            provider.set_vat_number(external_id, customer.vat_id)
        provider.update_customer(external_id, build_provider_profile(customer))
    except VendorRejected as error:
        raise PaymentRefused(
            f"{provider.display_name} refused the billing profile. Correct it and try again.",
            reason=error.code,
        ) from error


def _store_snapshot(provider: str, snapshot: CustomerSnapshot) -> Customer | None:
    organization_id = find_organization_id(
        provider, snapshot.external_id, snapshot.organization_hint
    )
    if organization_id is None:
        return None
    organization = tenancy_locks.lock_organization(organization_id)
    if not snapshot.is_deleted:
        link_customer(organization, provider, snapshot.external_id)
    customer = Customer.objects.get(organization=organization)
    if snapshot.is_deleted:
        _unlink_customer(customer)
    else:
        store_profile(customer, snapshot)
    return customer


def _unlink_missing(provider: str, external_id: str) -> Customer:
    """Unlink a customer that the provider does not know. Raises VendorNotFound for others.

    With a live subscription it stays: the key may be of another account, and buying again would
    pay twice.
    """
    customer = Customer.objects.filter(provider=provider, external_id=external_id).first()
    if customer is None:
        raise VendorNotFound(provider)
    log.error("customer_missing_at_provider", provider=provider, customer=external_id)
    with transaction.atomic():
        tenancy_locks.lock_organization(customer.organization_id)
        live = Subscription.objects.live().filter(organization_id=customer.organization_id)
        if not live.exists():
            _unlink_customer(customer)
    return customer


def _unlink_customer(customer: Customer) -> None:
    """Unlink a customer that was deleted at the provider. The next purchase creates another."""
    customer.external_id = ""
    customer.external_tax_id = ""
    customer.generation += 1
    customer.save()
