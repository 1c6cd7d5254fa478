"""Renaming an organization: written to Stytch first, replicated when it has agreed."""

from functools import partial

from django.db import transaction

from identity import directories
from identity.models import IntentKind
from identity.services import pending_changes
from identity.sync.attribution import ORGANIZATION
from tenancy import locks, slugs
from tenancy.models import Organization


def rename(
    organization: Organization, *, name: str | None = None, slug: str | None = None
) -> Organization:
    """Give the organization a new name, a new slug or both; Stytch is told of nothing else.

    Raises SlugNotAllowed, SlugTaken, ChangeInProgress and VendorUnavailable.
    """
    asked = {"name": name, "slug": slug and slug.lower()}
    if slug and asked["slug"] != organization.slug:
        slugs.check(slug)
    with transaction.atomic():
        organization = locks.organization(organization.pk)
        new = {
            field: value
            for field, value in asked.items()
            if value and value != getattr(organization, field)
        }
        if not new:
            return organization
        intent = pending_changes.open(
            organization=organization,
            kind=IntentKind.RENAME_ORGANIZATION,
            subject=ORGANIZATION,
            details=dict(new),
        )
    ask = partial(
        directories.current().update_organization,
        stytch_org_id=organization.stytch_org_id or "",
        **new,
    )
    return pending_changes.carry_out(intent, ask).organization or organization
