"""Tell a caller whose sign-in has no session yet how to continue."""

from identity.directories.types import (
    Authenticated,
    OrganizationSnapshot,
    PrimaryFactorRequired,
    SecondFactorRequired,
    SignInResult,
)
from identity.sign_in_errors import AnotherFactorRequired, MfaRequired
from tenancy.models import Organization


def require_session(result: SignInResult) -> Authenticated:
    """Return the session of a finished sign-in.

    Raises AnotherFactorRequired and MfaRequired with all that the next call needs.
    """
    match result:
        case Authenticated():
            return result
        case PrimaryFactorRequired():
            raise AnotherFactorRequired(
                intermediate_session_token=result.intermediate_session_token,
                organization=_describe_organization(result.organization),
                methods=list(result.methods),
                connections=[{"id": one.id, "name": one.name} for one in result.connections],
            )
        case SecondFactorRequired():
            raise MfaRequired(
                intermediate_session_token=result.intermediate_session_token,
                organization=_describe_organization(result.organization),
                member_id=result.stytch_member_id,
                methods=list(result.methods),
                enrolled=result.enrolled,
                code_sent=result.code_sent,
            )


def _describe_organization(found: OrganizationSnapshot) -> dict[str, str]:
    """Describe an organization as discovery does, by our id if it is stored here."""
    known = Organization.objects.filter(stytch_org_id=found.stytch_org_id).first()
    return {
        "id": str(known.pk) if known else found.stytch_org_id,
        "slug": found.slug,
        "name": found.name,
    }
