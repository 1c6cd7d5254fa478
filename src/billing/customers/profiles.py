"""Change the billing profile, at the provider first once there is a customer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction

from billing import event_types, providers
from billing.customers import customers, vat
from billing.errors import PaymentRefused, VatIdInvalid
from billing.models import Customer
from billing.providers.errors import ProviderRefused, Refusal
from billing.providers.types import CustomerSnapshot
from kit.outbound import VendorNotFound, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events


def update_profile(*, organization: Organization, fields: Mapping[str, str]) -> Customer:
    """Change some fields (named as in `customers.PROFILE_COLUMNS`, and `vat_id`).

    Raises VatIdInvalid, PaymentRefused or VendorUnavailable, and then nothing was changed here.
    """
    with customers.hold_customer_lock(organization):
        customer = customers.get_profile(organization)
        wanted = _normalize_fields(fields, customer)
        if not customer.external_id:
            return _store_locally(organization, wanted)
    with customers.hold_lock(customer.provider, customer.external_id):
        with _translate_refusals(customer):
            snapshot = _push_changes(customer, wanted)
        return _store_answer(organization, snapshot)


def _normalize_fields(fields: Mapping[str, str], customer: Customer) -> dict[str, str]:
    """Return the fields as they are stored, and a VAT number that is stored as it is."""
    wanted = {name: value.strip() for name, value in fields.items()}
    # The provider may have taken a form at its own pages that is refused here.
    if wanted.get("vat_id") and wanted["vat_id"] != customer.vat_id:
        wanted["vat_id"] = vat.normalize_number(wanted["vat_id"])
    if "country" in wanted:
        wanted["country"] = wanted["country"].upper()
    return wanted


def _push_changes(customer: Customer, wanted: dict[str, str]) -> CustomerSnapshot:
    """Send what differs, and nothing if nothing does, so that no echo starts another change."""
    provider, external_id = providers.get_provider(customer.provider), customer.external_id
    snapshot = provider.fetch_customer(external_id)
    profile = {name: getattr(snapshot.profile, name) for name in customers.PROFILE_COLUMNS}
    asked = {name: _choose_value(name, value, wanted) for name, value in profile.items()}
    # The number first: its refusal must leave the rest as it was.
    if "vat_id" in wanted and not _has_vat_number(snapshot, wanted["vat_id"]):
        snapshot = provider.set_vat_number(external_id, wanted["vat_id"])
    if asked != profile:
        snapshot = provider.update_customer(external_id, type(snapshot.profile)(**asked))
    return snapshot


def _choose_value(name: str, current: str, wanted: Mapping[str, str]) -> str:
    """Return the wanted value, or the provider's where that is shown as the wanted one."""
    shown = customers.shorten_value(customers.PROFILE_COLUMNS[name], current).strip()
    value = wanted.get(name, shown)
    return current if value == shown else value


def _has_vat_number(snapshot: CustomerSnapshot, wanted: str) -> bool:
    """Return whether this is the provider's VAT number, which may be written with dots."""
    known = snapshot.vat_number.value if snapshot.vat_number else ""
    return vat.compact_number(known) == vat.compact_number(wanted)


@contextmanager
def _translate_refusals(customer: Customer) -> Iterator[None]:
    """Translate the provider's refusals, and fetch the profile after an unknown outcome."""
    name = providers.get_display_name(customer.provider)
    try:
        yield
    except ProviderRefused as error:
        if error.refusal is Refusal.TAX_ID_INVALID:
            raise VatIdInvalid from error
        raise PaymentRefused(f"{name} refused the profile.", reason=error.code) from error
    except VendorNotFound as error:
        customers.defer_pull(customer.provider, customer.external_id)
        raise PaymentRefused(f"{name} does not know this customer any more.") from error
    except VendorUnavailable:
        customers.defer_pull(customer.provider, customer.external_id)
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
