"""Refusals of identity, and how Stytch's words become them.

Unauthenticated
├── InvalidSession          the session is over, revoked, or its member may no longer act
└── InvalidSignIn           a link, code or token of a sign-in cannot be used
Conflict
├── LastAdmin · MemberNotActive · MemberNotRemoved · RoleAssignedElsewhere
├── MemberNotSuspended · SelfSuspension · NoSignInMethod
├── AlreadyMember · InvitationPending · InvitationClosed · InvitationsNotAllowed
├── SlugTaken · ChangeInProgress
└── DirectoryRefused        any other no of Stytch's
Forbidden
├── MemberSuspended         the member who signs in is suspended
└── RoleAboveOwn            an invitation offers more than its sender holds

Those of a further factor are in `sign_in_errors`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from kit.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Malformed,
    NotFound,
    Problem,
    Unauthenticated,
)
from kit.outbound import VendorNotFound, VendorRejected
from tenancy.errors import SlugTaken


class InvalidSession(Unauthenticated):
    """The session is not valid.

    Refresh it once with `POST /v1/auth/sessions/refresh`; if that is refused too, sign in.
    """


class InvalidSignIn(Unauthenticated):
    """This link or code cannot be used any more.

    Ask for a new link or code; each works once, and not for long.
    """


class LastAdmin(Conflict):
    """The organization would be left without an admin.

    Make someone else an admin first.
    """


class MemberNotActive(Conflict):
    """The member is not active.

    Reactivate or restore the member first, or choose another.
    """


class MemberNotRemoved(Conflict):
    """The member was not removed.

    Do nothing: only removed members can be reactivated.
    """


class MemberNotSuspended(Conflict):
    """The member is not suspended.

    Do nothing: only suspended members can be restored.
    """


class SelfSuspension(Conflict):
    """No one can suspend themselves.

    Leave the organization instead, or ask another admin.
    """


class NoSignInMethod(Conflict):
    """No member could sign in with these methods.

    Connect the organization's identity provider first, or allow another method.
    """


class MemberSuspended(Forbidden):
    """Your membership of the organization is suspended.

    Ask an admin of the organization to restore you, then sign in again.
    """


class RoleAssignedElsewhere(Conflict):
    """The organization's identity provider assigns this member's role.

    Change the role, or the group that gives it, at the identity provider.
    """


class RoleAboveOwn(Forbidden):
    """No one can offer a role above their own.

    Offer your own role, or a lower one.
    """


class AlreadyMember(Conflict):
    """This address belongs to a member already.

    Change that member's role instead.
    """


class InvitationPending(Conflict):
    """This address has a pending invitation.

    Send that one again, or revoke it first.
    """


class InvitationClosed(Conflict):
    """The invitation is not pending any more.

    Read it again: it was accepted, was revoked or has expired.
    """


class InvitationsNotAllowed(Conflict):
    """The organization's settings do not allow inviting this address.

    Use an address of a domain the organization allows.
    """


class ChangeInProgress(Conflict):
    """Another change of the same is under way.

    Repeat the call after a moment.
    """

    def __init__(
        self,
        detail: str = "Try again in a moment.",
        *,
        blocked_by: UUID | None = None,
        is_repeated: bool = False,
    ) -> None:
        super().__init__(detail)
        self.blocked_by = blocked_by  # the id of the open pending change
        self.is_repeated = is_repeated  # the same actor asked for exactly the same


class DirectoryRefused(Conflict):
    """The directory refused the change.

    Show it; `vendor_code` is Stytch's code for the reason.
    """


_CONFLICT_BY_CODE: dict[str, type[Problem]] = {
    "organization_slug_already_used": SlugTaken,
    "duplicate_member_email": AlreadyMember,
    "invalid_email_for_invites": InvitationsNotAllowed,
    "email_jit_provisioning_not_allowed": InvitationsNotAllowed,
    "invalid_email_for_jit_provisioning": InvitationsNotAllowed,
    "no_deleted_member_found_for_reactivation": MemberNotRemoved,
    "reactivation_email_belongs_to_another_member": AlreadyMember,
}
_FIELD_BY_CODE = {
    "invalid_email": "/email",
    "invalid_organization_slug": "/slug",
    "invalid_organization_name": "/name",
}
_SIGN_IN_CODES = frozenset(
    {
        "unable_to_auth_magic_link",
        "unable_to_auth_otp_code",
        "invalid_token",
        "pkce_mismatch",
        "pkce_expected_code_verifier",
        "pkce_did_not_expect_code_verifier",
        "unable_to_parse_session_jwt",
        "action_available_only_for_active_members",
        "action_available_only_once_primary_authentication_is_met",
        "invalid_intermediate_session_token_for_organization",
    }
)
_CLOSED_CODES = frozenset(
    {
        "email_jit_provisioning_not_allowed",
        "invalid_email_for_jit_provisioning",
        "invalid_organization_id",
        "member_does_not_exist_in_organization",
        "member_not_found",
        "organization_not_found",
    }
)


def translate_refusal(error: VendorRejected) -> Problem:
    """Return the Problem for a refusal of Stytch."""
    if error.code in _SIGN_IN_CODES:
        return InvalidSignIn()
    if field := _FIELD_BY_CODE.get(error.code):
        return Malformed(
            errors=[FieldError(field, "invalid", "Stytch does not accept this value.")]
        )
    if kind := _CONFLICT_BY_CODE.get(error.code):
        return kind()
    return DirectoryRefused(vendor_code=error.code)


@contextmanager
def translate_sign_in() -> Iterator[None]:
    """Translate refusals while a token is spent.

    An unknown one was spent or never existed.
    """
    try:
        yield
    except VendorRejected as error:
        raise translate_refusal(error) from None
    except VendorNotFound:
        raise InvalidSignIn from None


@contextmanager
def translate_session_call() -> Iterator[None]:
    """Translate refusals of a call made with a session.

    Stytch's 404 means the session is over.
    """
    try:
        yield
    except VendorRejected as error:
        problem = translate_refusal(error)
        raise InvalidSession if isinstance(problem, InvalidSignIn) else problem from None
    except VendorNotFound as error:
        raise NotFound if error.code.startswith("organization") else InvalidSession from None


@contextmanager
def translate_entering() -> Iterator[None]:
    """Translate refusals while entering an organization.

    A closed one looks missing.
    """
    try:
        yield
    except (VendorRejected, VendorNotFound) as error:
        if error.code in _CLOSED_CODES:
            raise NotFound from None
        raise
