"""One Stripe customer per organization, and its profile kept alike on both sides."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction

from billing import providers
from billing.customers import vat
from billing.errors import PaymentRefused
from billing.models import Customer
from billing.providers.errors import KeySpent
from billing.providers.types import CustomerSnapshot, Profile
from kit import jobs, locks
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)

# How long a request waits for a job that is speaking to Stripe about the same thing.
PATIENCE: Final = 4.0

FIELDS: Final = {
    "name": "billing_name",
    "email": "billing_email",
    "address_line1": "billing_address_line1",
    "address_line2": "billing_address_line2",
    "city": "billing_city",
    "state": "billing_state",
    "postal_code": "billing_postal_code",
    "country": "billing_country",
}


def of(organization: Organization) -> Customer:
    """The organization's billing profile; an empty one when it has none yet."""
    found = Customer.objects.filter(organization_id=organization.pk).first()
    return found or Customer(organization=organization, billing_name=organization.name)


def profile(customer: Customer) -> Profile:
    """The profile as the gateway takes it."""
    return Profile(**{name: getattr(customer, column) for name, column in FIELDS.items()})


def ensure(*, organization: Organization, email: str = "") -> str:
    """The id of its Stripe customer, made now if there is none. Not within a transaction.

    Repeating it after any failure finds the same customer: the key holds for a day, and the lock
    lets only one process try at a time. Raises PaymentRefused and VendorUnavailable.
    """
    with alone(organization):
        customer = _prepare(organization, email)
        if customer.stripe_customer_id:
            return customer.stripe_customer_id
        external_id = _create(customer)
        # Held so that what we push is not read back half done.
        with locks.object(f"stripe:{external_id}", patience=PATIENCE):
            _introduce(customer, external_id)
            with transaction.atomic():
                tenancy_locks.organization(organization.pk)
                customer.stripe_customer_id = external_id
                customer.save(update_fields=["stripe_customer_id", "updated_at"])
        return external_id


def alone(organization: Organization) -> AbstractContextManager[None]:
    """Whether it has a customer is decided by one process at a time."""
    return locks.object(f"customer:{organization.pk}", patience=PATIENCE)


def pull(customer_id: str) -> Customer | None:
    """Read the customer again and write what Stripe says; None when it is nobody's."""
    with locks.object(f"stripe:{customer_id}"):
        snapshot = providers.current().fetch_customer(customer_id)
        with transaction.atomic():
            return _write(snapshot)


def write(customer: Customer, snapshot: CustomerSnapshot) -> dict[str, tuple[Any, Any]]:
    """Follow Stripe's profile and VAT number, pushing nothing back; what changed."""
    # Stripe takes longer texts than an invoice shows: a name too long must not stop the rest.
    known = {
        column: getattr(snapshot.profile, name)[: _longest(column)]
        for name, column in FIELDS.items()
    }
    tax_id = snapshot.tax_ids[-1] if snapshot.tax_ids else None
    known["vat_id"] = tax_id.value[: _longest("vat_id")] if tax_id else ""
    known["vat_status"] = tax_id.status if tax_id else ""
    known["stripe_tax_id"] = tax_id.external_id if tax_id else ""
    changes = {
        column: (getattr(customer, column), value)
        for column, value in known.items()
        if getattr(customer, column) != value
    }
    for column, value in known.items():
        setattr(customer, column, value)
    if changes:
        customer.save()
    return changes


def _longest(column: str) -> int:
    field = Customer._meta.get_field(column)  # noqa: SLF001 - Django's documented _meta
    return int(getattr(field, "max_length", 0))


def find_organization_id(customer_id: str, hint: str = "") -> UUID | None:
    """Whose customer this is: ours by id, or by its own word if we have no other for them."""
    known = Customer.objects.filter(stripe_customer_id=customer_id)
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
    if taken.exclude(stripe_customer_id=None).exists():
        log.error("customer_claimed_twice", organization_id=hint, customer=customer_id)
        return None
    return organization_id


def link(organization: Organization, customer_id: str) -> None:
    """Remember the customer of an organization that has none. The caller holds its lock."""
    customer, _ = Customer.objects.get_or_create(
        organization=organization, defaults={"billing_name": organization.name}
    )
    if customer.stripe_customer_id is None:
        customer.stripe_customer_id = customer_id
        customer.save(update_fields=["stripe_customer_id", "updated_at"])


@contextmanager
def refusals(customer_id: str, what: str) -> Iterator[None]:
    """Stripe's no as ours. A customer it does not know any more is read again, to make way."""
    try:
        yield
    except VendorRejected as error:
        raise PaymentRefused(f"Stripe refused {what}.", reason=error.code) from error
    except VendorNotFound as error:
        jobs.defer("billing.pull_customer", customer_id=customer_id)
        raise PaymentRefused(
            f"Stripe refused {what}. Try again in a moment.", reason=error.code
        ) from error


def _prepare(organization: Organization, email: str) -> Customer:
    with transaction.atomic():
        tenancy_locks.organization(organization.pk)
        customer, _ = Customer.objects.get_or_create(
            organization=organization,
            defaults={"billing_name": organization.name, "billing_email": email},
        )
        if email and not customer.billing_email:
            customer.billing_email = email
            customer.save(update_fields=["billing_email", "updated_at"])
        return customer


def _create(customer: Customer) -> str:
    """A customer at Stripe with nothing but the organization's id, so that its key can repeat it."""
    key = f"customer:{customer.organization_id}:{customer.generation}"
    try:
        return providers.current().create_customer(customer.organization_id, key=key)
    except KeySpent as error:
        # Whatever Stripe began is empty and nobody's; the next try makes another.
        customer.generation += 1
        customer.save(update_fields=["generation", "updated_at"])
        raise VendorUnavailable("stripe", outcome_known=False) from error


def _introduce(customer: Customer, external_id: str) -> None:
    """Tell Stripe who it is; the number first, for its refusal must leave the rest as it was."""
    stripe = providers.current()
    try:
        if customer.vat_id and not stripe.fetch_customer(external_id).tax_ids:
            type_, value = vat.kind(customer.vat_id)
            stripe.add_vat_id(external_id, type=type_, value=value)
        stripe.update_customer(external_id, profile(customer))
    except VendorRejected as error:
        raise PaymentRefused(
            "Stripe refused the billing profile. Correct it and try again.", reason=error.code
        ) from error


def _write(snapshot: CustomerSnapshot) -> Customer | None:
    organization_id = find_organization_id(snapshot.external_id, snapshot.organization_hint)
    if organization_id is None:
        return None
    organization = tenancy_locks.organization(organization_id)
    if not snapshot.is_deleted:
        link(organization, snapshot.external_id)
    customer = Customer.objects.get(organization=organization)
    if snapshot.is_deleted:
        _unlink(customer)
    else:
        write(customer, snapshot)
    return customer


def _unlink(customer: Customer) -> None:
    """Deleted at Stripe: the next purchase makes a new one, under a new key."""
    customer.stripe_customer_id = None
    customer.stripe_tax_id = ""
    customer.generation += 1
    customer.save()
