"""Which person a member is: linked to a User only by what the person's own session has shown.

An organization's directory may put any address on a member. If that were enough, one organization
could act as another's user; so until a session shows the address, a member has a User of its own.
"""

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from identity.gateway.port import Proof
from identity.models import Member, Status, User

log = structlog.get_logger(__name__)


def stranger(*, email: str, name: str) -> User:
    """A User of its own for a member whose address nobody has shown to be theirs."""
    return User.objects.create(email=email, name=name)


def is_somebody(user: User) -> bool:
    """Whether a person has ever shown to be this User; a stranger is only what a directory said."""
    return user.email_verified or bool(user.last_used_email)


def let_go(member: Member) -> None:
    """A directory has changed the address: whoever reads the new one may be somebody else.

    The User stays the member's own where it is nobody else's, nor staff, and no longer owns the
    old address.
    """
    member.proved_at = None
    if member.user.is_staff or member.user.members.exclude(pk=member.pk).exists():
        member.user = stranger(email=member.email, name=member.name)
    elif member.user.email_verified:
        member.user.email_verified = False
        member.user.save(update_fields=["email_verified", "updated_at"])


def give_way(member: Member) -> None:
    """A removed member comes back to find its person here as another member: kept apart."""
    if member.status == Status.REMOVED and _is_here(member, member.user):
        member.kept_apart_from = member.user
        member.user = stranger(email=member.email, name=member.name)
        member.proved_at = None


def is_linked(member: Member) -> bool:
    """Whether the member's present address was shown, and belongs to its User."""
    same = member.user.email.lower() == member.email.lower()
    return bool(member.proved_at) and member.user.email_verified and same


def link(member: Member, proof: Proof | None) -> None:
    """Link a member to the person its session has shown. Under the organization's lock.

    Two people are never merged: a member who would have to be both is kept apart and reported.
    """
    if proof is None or is_linked(member):
        return
    if not (member.email_verified and proof.covers(member.email)):
        return
    own = member.user
    owner = _owner(member.email) or _claim(own, member)
    if owner.pk != own.pk:
        _move(member, owner)
    member.proved_at = timezone.now()
    member.save(update_fields=["user", "proved_at", "kept_apart_from", "updated_at"])
    if own.pk != member.user_id:
        own.delete()  # only after the member has let go of it


def _owner(email: str) -> User | None:
    people = User.objects.filter(is_staff=False, email_verified=True)
    return people.filter(email__lower=email.lower()).first()


def _claim(own: User, member: Member) -> User:
    own.last_used_email = member.email
    own.name = own.name or member.name
    own.email, own.email_verified = member.email, True
    try:
        with transaction.atomic():
            own.save()
    except IntegrityError:  # the same person signs in to two organizations at once
        own.refresh_from_db()
        return _owner(member.email) or own
    return own


def _move(member: Member, owner: User) -> None:
    if is_somebody(member.user) or _is_here(member, owner):
        member.kept_apart_from = owner
        log.warning("person_kept_apart", member_id=str(member.pk), user_id=str(owner.pk))
        return
    member.user = owner
    member.kept_apart_from = None


def _is_here(member: Member, user: User) -> bool:
    """Whether that User is another present member of the same organization."""
    others = Member.objects.exclude(pk=member.pk).exclude(status=Status.REMOVED)
    return others.filter(organization_id=member.organization_id, user=user).exists()
