"""Read the security settings of an organization from the directory, and change them there."""

from functools import partial
from typing import Any

from django.db import transaction

from identity import directories
from identity.errors import NoSignInMethod
from identity.models import ChangeKind, SecuritySettings, SignInMethod
from identity.services import pending_changes
from identity.sync import fetch
from identity.sync import security as stored_security
from identity.sync.attribution import SECURITY_SUBJECT
from kit.errors import FieldError, Malformed, NotFound
from tenancy import locks
from tenancy.models import Organization

OWN_FIELDS = frozenset({"removal_is_final"})


def read_security(organization: Organization) -> SecuritySettings:
    """Return the settings as the directory has them now.

    Raises VendorUnavailable, and NotFound for an organization that the directory has deleted.
    """
    pulled = fetch.pull_organization(organization.stytch_org_id or "").organization
    if pulled is None or pulled.is_deleted:
        raise NotFound
    return SecuritySettings.objects.in_organization(organization).get()


def update_security(organization: Organization, **wanted: Any) -> SecuritySettings:  # noqa: ANN401 - the fields of the model
    """Change settings, those of the directory first.

    Raises Malformed for a combination that makes no sense, NoSignInMethod, ChangeInProgress,
    VendorUnavailable and what the directory refuses.
    """
    current = read_security(organization)
    changed = {name: value for name, value in wanted.items() if getattr(current, name) != value}
    _check_combination(current, changed)
    theirs = {name: value for name, value in changed.items() if name not in OWN_FIELDS}
    if theirs:
        _change_at_directory(organization, theirs)
    ours = {name: value for name, value in changed.items() if name in OWN_FIELDS}
    if ours:
        _change_own_fields(organization, ours)
    return SecuritySettings.objects.in_organization(organization).get()


def _check_combination(current: SecuritySettings, changed: dict[str, Any]) -> None:
    """Require domains where only they may be invited or join."""
    after = {name: getattr(current, name) for name in ("invitations", "just_in_time_joining")}
    after |= changed
    if changed.get("allowed_domains", current.allowed_domains):
        return
    needing = {
        "/just_in_time_joining": after["just_in_time_joining"],
        "/invitations": after["invitations"] == "allowed_domains",
    }
    if errors := [
        FieldError(pointer, "needs_domains", "Name an allowed domain first.")
        for pointer, needs in needing.items()
        if needs
    ]:
        raise Malformed(errors=errors)


def _change_at_directory(organization: Organization, fields: dict[str, Any]) -> None:
    directory, stytch_org_id = directories.get_directory(), organization.stytch_org_id or ""
    if fields.get("allowed_sign_in_methods") == [
        SignInMethod.SSO
    ] and not directory.has_sso_connection(stytch_org_id=stytch_org_id):
        raise NoSignInMethod
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        change = pending_changes.open_change(
            organization=organization,
            kind=ChangeKind.CHANGE_SECURITY,
            subject=SECURITY_SUBJECT,
            details={"after": fields},
        )
    ask = partial(directory.update_security, stytch_org_id=stytch_org_id, **fields)
    pending_changes.execute_change(change, ask)


def _change_own_fields(organization: Organization, fields: dict[str, Any]) -> None:
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        stored = SecuritySettings.objects.in_organization(organization).get()
        changes = {
            name: (getattr(stored, name), value)
            for name, value in fields.items()
            if getattr(stored, name) != value
        }
        for name, (_, value) in changes.items():
            setattr(stored, name, value)
        if changes:
            stored.save(update_fields=[*changes, "updated_at"])
            stored_security.record_security_change(organization, changes)
