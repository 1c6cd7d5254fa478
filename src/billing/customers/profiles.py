"""The billing profile: changed at Stripe first once it has a customer, then here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction

from billing import event_types, providers
from billing.customers import customers, vat
from billing.errors import PaymentRefused, VatIdInvalid
from billing.models import Customer
from billing.providers.types import CustomerSnapshot
from kit import jobs, locks
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events


def update(*, organization: Organization, fields: Mapping[str, str]) -> Customer:
    """Change some fields (named as in `customers.FIELDS`, and `vat_id`).

    Raises VatIdInvalid, PaymentRefused or VendorUnavailable, and then nothing was changed here.
    """
    wanted = _tidy(fields)
    with customers.alone(organization):
        external_id = customers.of(organization).stripe_customer_id
        if external_id is None:
            return _keep(organization, wanted)
    with locks.object(f"stripe:{external_id}", patience=customers.PATIENCE):
        with _refusals(external_id):
            snapshot = _push(external_id, wanted)
        return _follow(organization, snapshot)


def _tidy(fields: Mapping[str, str]) -> dict[str, str]:
    wanted = {name: value.strip() for name, value in fields.items()}
    if wanted.get("vat_id"):
        _, wanted["vat_id"] = vat.kind(vat.tidy(wanted["vat_id"]))
    if "country" in wanted:
        wanted["country"] = wanted["country"].upper()
    return wanted


def _push(external_id: str, wanted: dict[str, str]) -> CustomerSnapshot:
    """Tell Stripe what differs, and nothing if nothing does: no echo may start another change."""
    stripe = providers.current()
    snapshot = stripe.fetch_customer(external_id)
    profile = {name: getattr(snapshot.profile, name) for name in customers.FIELDS}
    asked = {name: wanted.get(name, value) for name, value in profile.items()}
    # The number first: its refusal must leave the rest as it was.
    if "vat_id" in wanted and _replace_vat_id(snapshot, wanted["vat_id"]):
        snapshot = stripe.fetch_customer(external_id)
    if asked != profile:
        snapshot = stripe.update_customer(external_id, type(snapshot.profile)(**asked))
    return snapshot


def _replace_vat_id(snapshot: CustomerSnapshot, value: str) -> bool:
    """They cannot be edited: the new one first, so that a refusal leaves the old one."""
    stripe = providers.current()
    others = [known for known in snapshot.tax_ids if known.value != value]
    is_new = bool(value) and len(others) == len(snapshot.tax_ids)
    if is_new:
        type_, text = vat.kind(value)
        stripe.add_vat_id(snapshot.external_id, type=type_, value=text)
    for known in others:
        stripe.remove_vat_id(snapshot.external_id, known.external_id)
    return is_new or bool(others)


@contextmanager
def _refusals(external_id: str) -> Iterator[None]:
    """Stripe's no as ours; after a silence a job brings the truth back."""
    try:
        yield
    except VendorRejected as error:
        if error.code.startswith("tax_id"):
            raise VatIdInvalid from error
        raise PaymentRefused("Stripe refused the profile.", reason=error.code) from error
    except VendorNotFound as error:
        jobs.defer("billing.pull_customer", customer_id=external_id)
        raise PaymentRefused("Stripe does not know this customer any more.") from error
    except VendorUnavailable:
        jobs.defer("billing.pull_customer", customer_id=external_id)
        raise


def _follow(organization: Organization, snapshot: CustomerSnapshot) -> Customer:
    with transaction.atomic():
        locked = tenancy_locks.organization(organization.pk)
        customer = customers.of(locked)
        _record(locked, list(customers.write(customer, snapshot)))
        return customer


def _keep(organization: Organization, wanted: dict[str, str]) -> Customer:
    """No customer at Stripe yet: it will be told when there is one."""
    with transaction.atomic():
        locked = tenancy_locks.organization(organization.pk)
        customer = customers.of(locked)
        columns = {customers.FIELDS.get(name, name): value for name, value in wanted.items()}
        changed = [name for name, value in columns.items() if getattr(customer, name) != value]
        for name in changed:
            setattr(customer, name, columns[name])
        customer.save()
        _record(locked, changed)
        return customer


def _record(organization: Organization, columns: list[str]) -> None:
    """Which fields, not what they said: an address is personal."""
    if columns:
        details = {"fields": sorted(columns)}
        events.write(organization, event_types.PROFILE_UPDATED, organization.pk, details=details)
