"""Convert Stytch's objects to our own types, so that nothing of the SDK goes further."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from stytch.b2b.models.discovery import DiscoveredOrganization
from stytch.b2b.models.mfa import MfaRequired as StytchMfa
from stytch.b2b.models.organizations import Member, Organization
from stytch.b2b.models.sessions import MemberSession, PrimaryRequired

from identity.directories.types import (
    Authenticated,
    Connection,
    Discovered,
    MemberDeleted,
    Membership,
    MemberSnapshot,
    OrganizationSnapshot,
    PrimaryFactorRequired,
    Proof,
    SecondFactor,
    SecondFactorRequired,
    SecuritySnapshot,
    SessionSnapshot,
    SignInResult,
)
from identity.roles import MANAGED_STYTCH_ROLES
from kit.outbound import VendorUnavailable

MAX_NAME_LENGTH = 255

# https://stytch.com/docs/b2b/api/org-auth-settings
_INVITATION_POLICIES = {
    "ALL_ALLOWED": "all",
    "RESTRICTED": "allowed_domains",
    "NOT_ALLOWED": "none",
}
_STATUS_BY_MEMBERSHIP: dict[str, Membership] = {
    "active_member": "active",
    "pending_member": "pending",
    "invited_member": "invited",
    "eligible_to_join_by_email_domain": "eligible",
    "eligible_to_join_by_oauth_tenant": "eligible",
}


class SessionAnswer(Protocol):
    """What all answers that carry a session have in common."""

    session_token: str
    session_jwt: str
    member: Member
    organization: Organization


class FinishedAnswer(SessionAnswer, Protocol):
    """The answer of a call that checks a second factor."""

    member_session: MemberSession | None


class SignInAnswer(Protocol):
    """The answer of a call that may still want a second factor."""

    session_token: str
    session_jwt: str
    member: Member
    organization: Organization
    member_authenticated: bool
    intermediate_session_token: str
    member_session: MemberSession | None
    mfa_required: StytchMfa | None
    primary_required: PrimaryRequired | None


def parse_organization(found: Organization, read_at: datetime) -> OrganizationSnapshot:
    """Return an organization."""
    return OrganizationSnapshot(
        stytch_org_id=found.organization_id,
        name=_strip_unstorable(found.organization_name)[:128],
        slug=found.organization_slug,
        read_at=read_at,
        changed_at=found.updated_at,
        security=SecuritySnapshot(
            allowed_domains=sorted(domain.lower() for domain in found.email_allowed_domains),
            invitations=_INVITATION_POLICIES.get(found.email_invites, "none"),
            just_in_time_joining=found.email_jit_provisioning == "RESTRICTED",
            mfa_policy="required" if found.mfa_policy == "REQUIRED_FOR_ALL" else "optional",
            allowed_sign_in_methods=sorted(found.allowed_auth_methods)
            if found.auth_methods == "RESTRICTED"
            else None,
        ),
    )


def build_security_fields(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return Stytch's settings for the ones of ours that are to be changed."""
    invites = {ours: theirs for theirs, ours in _INVITATION_POLICIES.items()}
    fields: dict[str, Any] = {}
    for name, value in wanted.items():
        match name:
            case "allowed_domains":
                fields["email_allowed_domains"] = value
            case "invitations":
                fields["email_invites"] = invites[value]
            case "just_in_time_joining":
                fields["email_jit_provisioning"] = "RESTRICTED" if value else "NOT_ALLOWED"
            case "mfa_policy":
                fields["mfa_policy"] = "REQUIRED_FOR_ALL" if value == "required" else "OPTIONAL"
            case "allowed_sign_in_methods" if value is None:
                fields["auth_methods"] = "ALL_ALLOWED"
            case "allowed_sign_in_methods":
                fields |= {"auth_methods": "RESTRICTED", "allowed_auth_methods": value}
    return fields


def parse_member(found: Member, read_at: datetime) -> MemberSnapshot | MemberDeleted:
    """Return a member, or that it was deleted."""
    if found.status == "deleted":
        return MemberDeleted(stytch_member_id=found.member_id, read_at=read_at)
    return parse_present_member(found, read_at)


def parse_present_member(found: Member, read_at: datetime) -> MemberSnapshot:
    """Return a member that exists.

    An unknown status can do nothing, hence pending.
    """
    status = found.status if found.status in {"active", "invited"} else "pending"
    return MemberSnapshot(
        stytch_member_id=found.member_id,
        stytch_org_id=found.organization_id,
        email=found.email_address.lower(),
        email_verified=found.email_address_verified,
        name=_strip_unstorable(found.name)[:MAX_NAME_LENGTH],
        status=status,  # type: ignore[arg-type]  # narrowed above
        roles=tuple(role.role_id for role in found.roles),
        read_at=read_at,
        changed_at=found.updated_at,
        has_former_email=bool(found.retired_email_addresses),
    )


def list_assigned_roles(found: Member) -> list[str]:
    """Return the custom roles of a member that were assigned by hand and map to none of ours."""
    return [
        role.role_id
        for role in found.roles
        if role.role_id not in MANAGED_STYTCH_ROLES
        and any(source.type == "direct_assignment" for source in role.sources)
    ]


def parse_sign_in(answer: SignInAnswer, read_at: datetime) -> SignInResult:
    """Return the session of a sign-in, or the factor it still lacks."""
    if answer.member_authenticated and answer.member_session:
        return parse_session(answer, answer.member_session, read_at)
    token = answer.intermediate_session_token
    organization = parse_organization(answer.organization, read_at)
    if answer.primary_required:
        return PrimaryFactorRequired(
            intermediate_session_token=token,
            organization=organization,
            methods=tuple(answer.primary_required.allowed_auth_methods),
            connections=_list_connections(answer.organization),
        )
    required = answer.mfa_required
    methods = _list_enrolled_methods(required, answer.member)
    return SecondFactorRequired(
        intermediate_session_token=token,
        organization=organization,
        stytch_member_id=answer.member.member_id,
        methods=methods or _list_allowed_methods(answer.organization),
        enrolled=bool(methods),
        code_sent=required is not None and required.secondary_auth_initiated == "sms_otp",
    )


def parse_finished_sign_in(answer: FinishedAnswer, read_at: datetime) -> Authenticated:
    """Return the session that a second factor finishes.

    Raises VendorUnavailable when the answer has none, which Stytch does not document.
    """
    if answer.member_session is None:
        raise VendorUnavailable("stytch", outcome_known=False)
    return parse_session(answer, answer.member_session, read_at)


def parse_session(
    answer: SessionAnswer, session: MemberSession, read_at: datetime
) -> Authenticated:
    """Return a session with its organization, member and proof."""
    factors = (factor.model_dump(mode="json") for factor in session.authentication_factors)
    return Authenticated(
        session_token=answer.session_token,
        session_jwt=answer.session_jwt,
        session_id=session.member_session_id,
        started_at=session.started_at,
        expires_at=session.expires_at,
        organization=parse_organization(answer.organization, read_at),
        member=parse_present_member(answer.member, read_at),
        proof=Proof.from_factors(factors),
    )


def parse_discovered(
    found: Iterable[DiscoveredOrganization], read_at: datetime
) -> tuple[Discovered, ...]:
    """Return the organizations a person may enter, without kinds of membership we do not know."""
    return tuple(
        Discovered(
            organization=parse_organization(one.organization, read_at),
            membership=_STATUS_BY_MEMBERSHIP[one.membership.type],
        )
        for one in found
        if one.organization and one.membership and one.membership.type in _STATUS_BY_MEMBERSHIP
    )


def parse_listed_session(found: MemberSession) -> SessionSnapshot:
    """Return one of a member's sessions."""
    return SessionSnapshot(
        session_id=found.member_session_id,
        started_at=found.started_at,
        last_accessed_at=found.last_accessed_at,
        expires_at=found.expires_at,
        factors=tuple(str(factor.type.value) for factor in found.authentication_factors),
    )


def _strip_unstorable(text: str) -> str:
    """Remove NUL and lone surrogates, which JSON may hold and PostgreSQL refuses."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def _list_enrolled_methods(required: StytchMfa | None, member: Member) -> tuple[SecondFactor, ...]:
    """Return the second factors a member has set up. Recovery codes come with an app.

    A number that no code has verified may be mistyped, so it is none yet.
    """
    options = required.member_options if required else None
    if options is None:
        return ()
    app: tuple[SecondFactor, ...] = ("totp", "recovery") if options.totp_registration_id else ()
    has_phone = bool(options.mfa_phone_number) and member.mfa_phone_number_verified
    phone: tuple[SecondFactor, ...] = ("sms",) if has_phone else ()
    return (*phone, *app)


def _list_allowed_methods(organization: Organization) -> tuple[SecondFactor, ...]:
    """Return the second factors that an organization lets its members set up."""
    names: dict[str, SecondFactor] = {"totp": "totp", "sms_otp": "sms"}
    restricted = organization.mfa_methods == "RESTRICTED"
    return tuple(
        method
        for name, method in names.items()
        if not restricted or name in organization.allowed_mfa_methods
    )


def _list_connections(organization: Organization) -> tuple[Connection, ...]:
    return tuple(
        Connection(id=one.connection_id, name=one.display_name)
        for one in organization.sso_active_connections
    )
