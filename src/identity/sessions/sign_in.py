"""Sign in with a link or a code that proves an address.

What a call answers never depends on whether an address is known: only its owner learns that.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity import directories, event_types, rate_limits
from identity.actors import act_as_member
from identity.directories import types
from identity.directories.types import Authenticated, Discovered, Membership, SignInResult
from identity.errors import InvalidSession, MemberSuspended, translate_entering, translate_sign_in
from identity.models import Member, Status
from identity.sessions.continuation import require_session
from identity.sync import apply
from kit import jobs
from kit.errors import NotFound
from kit.ids import uuid7
from tenancy import slugs
from tenancy.models import Organization, TenantSchema
from tenancy.services import events, schema_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Proof that a member signed in, and who that is."""

    session_token: str = field(repr=False)
    session_jwt: str = field(repr=False)
    expires_at: datetime
    organization: Organization
    member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An organization a person may enter. Until we have met it, its id is Stytch's."""

    id: str
    slug: str
    name: str
    membership: Membership


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Whose address it is, where they may go, and the token to go there within ten minutes."""

    intermediate_session_token: str = field(repr=False)
    email: str = field(repr=False)
    organizations: list[Place]


def send_magic_link(*, email: str) -> None:
    """Mail a link, the same for unknown addresses.

    Raises TooManyRequests.
    """
    rate_limits.count_sign_in_mail(email=email)
    with translate_sign_in():
        directories.get_directory().send_magic_link(email=email.lower())


def send_code(*, email: str) -> None:
    """Mail a one-time code, the same for unknown addresses.

    Raises TooManyRequests.
    """
    rate_limits.count_sign_in_mail(email=email)
    with translate_sign_in():
        directories.get_directory().send_code(email=email.lower())


def discover_by_link(*, token: str) -> Discovery:
    """Spend a link's token. Raises InvalidSignIn."""
    with translate_sign_in():
        found = directories.get_directory().authenticate_discovery_token(token=token)
    return build_discovery(found)


def discover_by_code(*, email: str, code: str) -> Discovery:
    """Spend a code. Raises InvalidSignIn and TooManyRequests."""
    rate_limits.count_code_check(email=email)
    with translate_sign_in():
        found = directories.get_directory().authenticate_discovery_code(
            email=email.lower(), code=code
        )
    return build_discovery(found)


def create_organization(*, intermediate_session_token: str, name: str, slug: str) -> Session:
    """Create an organization with a schema of its own and its first admin.

    Without a name, for a person alone, Stytch names it after the address and the slug is random: one
    that Stytch derives from the address could be a reserved word.

    Schema and slug are reserved before Stytch is asked: an organization there cannot be undone, and
    a refusal because of either must leave the sign-in token unspent. Raises InvalidSignIn,
    SlugNotAllowed, SlugTaken and SchemaNotReady.
    """
    if name and not slug:
        slugs.check_derived_slug(name)
    checked = slugs.check_slug(slug) if slug else "" if name else slugs.generate_slug()
    with schema_pool.reserve_schema(slug=checked) as reservation:
        with translate_sign_in():
            result = directories.get_directory().create_organization(
                intermediate_session_token=intermediate_session_token, name=name, slug=checked
            )
        return record_sign_in(result, reservation=reservation, founder_id=uuid7())


def enter_organization(*, intermediate_session_token: str, organization_id: str) -> Session:
    """Create a session in a discovered organization, accepting an invitation if there is one.

    Raises NotFound for an organization that was not discovered, InvalidSignIn,
    AnotherFactorRequired and MfaRequired.
    """
    stytch = directories.get_directory()
    try:
        stytch_org_id = get_stytch_id(organization_id)
        with reserve_for(stytch_org_id) as reservation:
            with translate_sign_in(), translate_entering():
                result = stytch.exchange_intermediate_session(
                    intermediate_session_token=intermediate_session_token,
                    stytch_org_id=stytch_org_id,
                )
            return record_sign_in(result, reservation=reservation)
    except NotFound:
        # Anyone who has proved no address is not told which organizations there are.
        with translate_sign_in():
            stytch.list_discovered_organizations(
                intermediate_session_token=intermediate_session_token
            )
        raise


def accept_invitation(*, token: str) -> Session:
    """Spend an invitation's token, which makes its person an active member.

    Raises InvalidSignIn, AnotherFactorRequired and MfaRequired.
    """
    with translate_sign_in():
        result = directories.get_directory().authenticate_invitation_token(token=token)
    return record_sign_in(result)


def reserve_for(stytch_org_id: str) -> AbstractContextManager[TenantSchema | None]:
    """Reserve a schema for an organization that is not stored yet.

    Call it before an intermediate session is spent, which cannot be undone.
    """
    return nullcontext() if apply.is_known(stytch_org_id) else schema_pool.reserve_schema()


def record_sign_in(
    result: SignInResult,
    *,
    reservation: TenantSchema | None = None,
    founder_id: UUID | None = None,
) -> Session:
    """Store who has signed in.

    `founder_id` is the id for the member who has just made the organization, so that the first
    event names its maker.

    Raises AnotherFactorRequired and MfaRequired while a factor is missing, NotFound when the
    organization was deleted here, InvalidSession when staff have blocked the member or its person.
    """
    authenticated = require_session(result)
    if reservation is None and not apply.is_known(authenticated.organization.stytch_org_id):
        schema_pool.wait_for_spare()
    with transaction.atomic():
        with act_as_member(founder_id) if founder_id else nullcontext():
            apply.apply_snapshot(authenticated.organization, reservation=reservation)
        applied = apply.apply_snapshot(
            authenticated.member, proof=authenticated.proof, new_member_id=founder_id
        )
        if applied.organization is None or applied.member is None:
            raise NotFound
        _readmit_session(applied.member, authenticated)
        if applied.member.accepts_session(authenticated.session_id, authenticated.started_at):
            with act_as_member(applied.member.pk):
                events.record(
                    applied.organization, event_types.SESSION_CREATED, authenticated.session_id
                )
    return build_session(authenticated, applied.organization, applied.member)


def _readmit_session(member: Member, authenticated: Authenticated) -> None:
    """Store the id of a session that began after older ones were ended but seems no younger."""
    ended_at = member.sessions_over_since
    if ended_at is not None and authenticated.started_at <= ended_at < authenticated.member.read_at:
        member.readmitted_session_id = authenticated.session_id
        member.save(update_fields=["readmitted_session_id"])


def build_session(
    authenticated: Authenticated, organization: Organization, member: Member
) -> Session:
    """Return the session Stytch created, with our rows.

    Raises MemberSuspended and InvalidSession.
    """
    if member.status == Status.SUSPENDED:
        jobs.defer_job("identity.revoke_session", session_id=authenticated.session_id)
        raise MemberSuspended
    if not member.accepts_session(authenticated.session_id, authenticated.started_at):
        raise InvalidSession
    return Session(
        session_token=authenticated.session_token,
        session_jwt=authenticated.session_jwt,
        expires_at=authenticated.expires_at,
        organization=organization,
        member=member,
    )


def list_places(found: Iterable[Discovered]) -> list[Place]:
    """Return discovered organizations with our ids, without those deleted here."""
    found = list(found)
    known = Organization.objects.in_bulk(
        [one.organization.stytch_org_id for one in found], field_name="stytch_org_id"
    )
    return list(_build_places(found, known))


def build_own_place(organization: Organization) -> Place:
    """Return the organization of an active member's session."""
    return Place(
        id=str(organization.pk),
        slug=organization.slug,
        name=organization.name,
        membership="active",
    )


def get_stytch_id(organization_id: str) -> str:
    """Return Stytch's id for one of ours, or a Stytch id itself.

    Raises NotFound for one of ours that does not exist.
    """
    try:
        id_ = UUID(organization_id)
    except ValueError:
        return organization_id
    organization = Organization.objects.live().filter(pk=id_).first()
    if organization is None or organization.stytch_org_id is None:
        raise NotFound
    return organization.stytch_org_id


def build_discovery(found: types.Discovery) -> Discovery:
    """Return a discovery of the directory with our ids."""
    return Discovery(
        intermediate_session_token=found.intermediate_session_token,
        email=found.email,
        organizations=list_places(found.organizations),
    )


def _build_places(found: Iterable[Discovered], known: dict[str, Organization]) -> Iterator[Place]:
    for one in found:
        organization = known.get(one.organization.stytch_org_id)
        if organization is not None and organization.is_deleted:
            continue
        yield Place(
            id=str(organization.pk) if organization else one.organization.stytch_org_id,
            slug=one.organization.slug,
            name=one.organization.name,
            membership=one.membership,
        )
