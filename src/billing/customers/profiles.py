"""Change the billing profile, at the provider first once there is a customer."""

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


def update_profile(*, organization: Organization, fields: Mapping[str, str]) -> Customer:
    """Change some fields (named as in `customers.FIELDS`, and `vat_id`).

    Raises VatIdInvalid, PaymentRefused or VendorUnavailable, and then nothing was changed here.
    """
    wanted = _normalize_fields(fields)
    with customers.hold_customer_lock(organization):
        external_id = customers.get_profile(organization).stripe_customer_id
        if external_id is None:
            return _store_locally(organization, wanted)
    with locks.hold_vendor_object("stripe", external_id, wait_seconds=customers.LOCK_WAIT_SECONDS):
        with _translate_refusals(external_id):
            snapshot = _push_changes(external_id, wanted)
        return _store_answer(organization, snapshot)


def _normalize_fields(fields: Mapping[str, str]) -> dict[str, str]:
    wanted = {name: value.strip() for name, value in fields.items()}
    if wanted.get("vat_id"):
        _, wanted["vat_id"] = vat.get_tax_id_type(vat.normalize_number(wanted["vat_id"]))
    if "country" in wanted:
        wanted["country"] = wanted["country"].upper()
    return wanted


def _push_changes(external_id: str, wanted: dict[str, str]) -> CustomerSnapshot:
    """Send what differs, and nothing if nothing does, so that no echo starts another change."""
    stripe = providers.get_provider()
    snapshot = stripe.fetch_customer(external_id)
    profile = {name: getattr(snapshot.profile, name) for name in customers.PROFILE_COLUMNS}
    asked = {name: wanted.get(name, value) for name, value in profile.items()}
    # The number first: its refusal must leave the rest as it was.
    if "vat_id" in wanted and _replace_vat_id(snapshot, wanted["vat_id"]):
        snapshot = stripe.fetch_customer(external_id)
    if asked != profile:
        snapshot = stripe.update_customer(external_id, type(snapshot.profile)(**asked))
    return snapshot


def _replace_vat_id(snapshot: CustomerSnapshot, value: str) -> bool:
    """Replace the VAT number, adding the new one first, so that a refusal leaves the old one."""
    stripe = providers.get_provider()
    others = [known for known in snapshot.tax_ids if known.value != value]
    is_new = bool(value) and len(others) == len(snapshot.tax_ids)
    if is_new:
        type_, text = vat.get_tax_id_type(value)
        stripe.add_vat_id(snapshot.external_id, type=type_, value=text)
    for known in others:
        stripe.remove_vat_id(snapshot.external_id, known.external_id)
    return is_new or bool(others)


@contextmanager
def _translate_refusals(external_id: str) -> Iterator[None]:
    """Translate the provider's refusals.

    After an unknown outcome a job fetches the profile.
    """
    try:
        yield
    except VendorRejected as error:
        if error.code.startswith("tax_id"):
            raise VatIdInvalid from error
        raise PaymentRefused("Stripe refused the profile.", reason=error.code) from error
    except VendorNotFound as error:
        jobs.defer_job("billing.pull_customer", customer_id=external_id)
        raise PaymentRefused("Stripe does not know this customer any more.") from error
    except VendorUnavailable:
        jobs.defer_job("billing.pull_customer", customer_id=external_id)
        raise


def _store_answer(organization: Organization, snapshot: CustomerSnapshot) -> Customer:
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        customer = customers.get_profile(locked)
        _record_change(locked, list(customers.store_profile(customer, snapshot)))
        return customer


def _store_locally(organization: Organization, wanted: dict[str, str]) -> Customer:
    """Store the profile of an organization that has no customer yet."""
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        customer = customers.get_profile(locked)
        columns = {
            customers.PROFILE_COLUMNS.get(name, name): value for name, value in wanted.items()
        }
        changed = [name for name, value in columns.items() if getattr(customer, name) != value]
        for name in changed:
            setattr(customer, name, columns[name])
        customer.save()
        _record_change(locked, changed)
        return customer


def _record_change(organization: Organization, columns: list[str]) -> None:
    """Record which fields changed, without their values, because an address is personal."""
    if columns:
        details = {"fields": sorted(columns)}
        events.record(organization, event_types.PROFILE_UPDATED, organization.pk, details=details)
