"""Renaming an organization: written to Stytch first, replicated when it has agreed."""

from functools import partial

from django.db import transaction

from identity import gateway
from identity.models import IntentKind
from identity.services import intents
from identity.services.attribution import ORGANIZATION
from tenancy import locks, slugs
from tenancy.models import Organization


def rename(organization: Organization, *, name: str, slug: str) -> Organization:
    """Give the organization a name and a slug.

    Raises SlugNotAllowed, SlugTaken, ChangeInProgress and VendorUnavailable.
    """
    new_slug = slugs.check(slug) if slug.lower() != organization.slug else organization.slug
    with transaction.atomic():
        organization = locks.organization(organization.pk)
        if (organization.name, organization.slug) == (name, new_slug):
            return organization
        intent = intents.open(
            organization=organization,
            kind=IntentKind.RENAME_ORGANIZATION,
            subject=ORGANIZATION,
            details={"name": name, "slug": new_slug},
        )
    ask = partial(
        gateway.stytch().update_organization,
        stytch_org_id=organization.stytch_org_id or "",
        name=name,
        slug=new_slug,
    )
    return intents.carry_out(intent, ask).organization or organization
