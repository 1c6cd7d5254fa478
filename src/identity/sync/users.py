"""Link members to users, by what the person's own session has proved.

An organization's directory may put any address on a member. If that were enough, one organization
could act as another's user; so until a session shows the address, a member has a User of its own.
"""

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from identity.directories.types import Proof
from identity.models import Member, Status, User
from kit.addresses import normalize_email

log = structlog.get_logger(__name__)


def create_placeholder_user(*, email: str, name: str, replaces: User | None = None) -> User:
    """Create a User of its own for a member whose address was not proved.

    A block goes with the person: the new User is blocked like the one it `replaces`, or like the
    person known to have used this address. No directory can undo what staff decided.
    """
    blocked = replaces if replaces and not replaces.is_active else _find_blocked(email)
    return User.objects.create(
        email=email,
        name=name,
        is_active=blocked is None,
        blocked_at=blocked.blocked_at if blocked else None,
    )


def block_user(user: User) -> None:
    """Block a person in every organization, and end the sessions begun before."""
    user.is_active, user.blocked_at = False, timezone.now()
    user.save(update_fields=["is_active", "blocked_at", "updated_at"])
    user.members.update(readmitted_session_id="")


def unblock_user(user: User) -> None:
    """Let a person act again, with the placeholders that inherited this block."""
    blocked = User.objects.filter(is_active=False, blocked_at=user.blocked_at, is_staff=False)
    if user.blocked_at is not None:
        blocked.update(is_active=True, updated_at=timezone.now())
    user.is_active = True
    user.save(update_fields=["is_active", "updated_at"])


def _find_blocked(email: str) -> User | None:
    blocked = User.objects.filter(is_active=False, is_staff=False)
    return blocked.filter(last_used_email_key=normalize_email(email)).first()


def is_verified_person(user: User) -> bool:
    """Return whether a session has ever proved this User, which is else a placeholder."""
    return user.email_verified or bool(user.last_used_email)


def unlink_user(member: Member) -> None:
    """Unlink a member whose address the directory has changed.

    The User stays the member's own where it is no one else's, nor staff, and no longer owns the
    old address.
    """
    member.proved_at = None
    member.email_changed_at = member.changed_at or timezone.now()
    own = member.user
    is_shared = own.is_staff or own.members.exclude(pk=member.pk).exists()
    if is_shared or (own.is_active and _find_blocked(member.email)):
        member.user = create_placeholder_user(email=member.email, name=member.name, replaces=own)
    elif own.email_verified:
        own.email_verified = False
        own.save(update_fields=["email_verified", "updated_at"])


def split_user(member: Member) -> None:
    """Give a returning member its own User if its person is another member here."""
    if member.status == Status.REMOVED and _is_present_here(member, member.user):
        member.merge_conflict_with = member.user
        member.user = create_placeholder_user(
            email=member.email, name=member.name, replaces=member.user
        )
        member.proved_at = None


def is_linked(member: Member) -> bool:
    """Return whether the member's present address was proved, and belongs to its User."""
    same = normalize_email(member.user.email) == normalize_email(member.email)
    return bool(member.proved_at) and member.user.email_verified and same


def link_user(member: Member, proof: Proof | None) -> None:
    """Link a member to the person its session has shown. Under the organization's lock.

    Two people are never merged: a member who would have to be both gets a merge conflict, which is logged.
    """
    if proof is None or is_linked(member) or not member.user.is_active:
        return  # a blocked User is not exchanged for one that is not
    if not (member.email_verified and proof.covers(member.email, since=member.email_changed_at)):
        return
    own = member.user
    owner = _find_owner(member.email) or _claim_address(own, member)
    if owner.pk != own.pk:
        _move_member(member, owner)
    member.proved_at = timezone.now()
    member.save(update_fields=["user", "proved_at", "merge_conflict_with", "updated_at"])
    if own.pk != member.user_id:
        own.delete()  # only after the member has let go of it


def _find_owner(email: str) -> User | None:
    people = User.objects.filter(is_staff=False, email_verified=True)
    return people.filter(email_key=normalize_email(email)).first()


def _claim_address(own: User, member: Member) -> User:
    own.last_used_email = member.email
    own.name = own.name or member.name
    own.email, own.email_verified = member.email, True
    try:
        with transaction.atomic():
            own.save()
    except IntegrityError:  # the same person signs in to two organizations at once
        own.refresh_from_db()
        return _find_owner(member.email) or own
    return own


def _move_member(member: Member, owner: User) -> None:
    if is_verified_person(member.user) or _is_present_here(member, owner):
        member.merge_conflict_with = owner
        log.warning("merge_conflict_found", member_id=str(member.pk), user_id=str(owner.pk))
        return
    member.user = owner
    member.merge_conflict_with = None


def _is_present_here(member: Member, user: User) -> bool:
    """Return whether that User is another present member of the same organization."""
    others = Member.objects.exclude(pk=member.pk).exclude(status=Status.REMOVED)
    return others.filter(organization_id=member.organization_id, user=user).exists()
