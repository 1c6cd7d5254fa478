"""Rename an organization at Stytch, and replicate the answer."""

from functools import partial

from django.db import transaction

from identity import directories
from identity.models import ChangeKind
from identity.services import pending_changes
from identity.sync.attribution import ORGANIZATION_SUBJECT
from tenancy import locks, slugs
from tenancy.models import Organization


@pending_changes.resolves_abandoned
def rename_organization(
    organization: Organization, *, name: str | None = None, slug: str | None = None
) -> Organization:
    """Change an organization's name, slug or both.

    Raises SlugNotAllowed, SlugTaken, ChangeInProgress and VendorUnavailable.
    """
    asked = {"name": name, "slug": slug and slug.lower()}
    if slug and asked["slug"] != organization.slug:
        slugs.check_slug(slug)
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        new = {
            field: value
            for field, value in asked.items()
            if value and value != getattr(organization, field)
        }
        if not new:
            return organization
        change = pending_changes.open_change(
            organization=organization,
            kind=ChangeKind.RENAME_ORGANIZATION,
            subject=ORGANIZATION_SUBJECT,
            details=dict(new),
        )
    ask = partial(
        directories.get_directory().update_organization,
        stytch_org_id=organization.stytch_org_id or "",
        **new,
    )
    return pending_changes.execute_change(change, ask).organization or organization
