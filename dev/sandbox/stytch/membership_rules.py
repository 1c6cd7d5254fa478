"""Check whether an organization's settings admit an address and its proof."""

from sandbox.store import Document
from sandbox.stytch import factors, organizations
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import get_domain


def check_invitable(organization: Document, email: str) -> None:
    """Refuse an invitation that the organization's settings do not allow."""
    setting = organization["email_invites"]
    domains = [domain.lower() for domain in organization["email_allowed_domains"]]
    restricted = setting == "RESTRICTED" and get_domain(email) not in domains
    if setting == "NOT_ALLOWED" or restricted:
        raise StytchError("invalid_email_for_invites")


def check_joinable(organization: Document, email: str) -> None:
    """Refuse an address that may not join by its domain alone."""
    if organization["email_jit_provisioning"] == "NOT_ALLOWED":
        raise StytchError("email_jit_provisioning_not_allowed")
    if get_domain(email) not in organizations.list_joinable_domains(organization):
        raise StytchError("invalid_email_for_jit_provisioning")


def check_joinable_by_sso(organization: Document, connection_id: str) -> None:
    """Refuse a new member of a connection that may not add any.

    https://stytch.com/docs/b2b/api/org-auth-settings (`sso_jit_provisioning`)
    """
    setting = organization["sso_jit_provisioning"]
    allowed = organization["sso_jit_provisioning_allowed_connections"]
    restricted = setting == "RESTRICTED" and connection_id not in allowed
    if setting == "NOT_ALLOWED" or restricted:
        raise StytchError("invalid_email_for_jit_provisioning")


def list_unmet_requirements(
    organization: Document, member: Document, held: list[Document]
) -> Document:
    """Return what an organization still requires of a member with these factors.

    The result is empty when nothing is missing.
    """
    valid = [factor for factor in held if factors.is_valid_for(factor, organization, member)]
    allowed = list_allowed_methods(organization, member)
    accepted = [factor for factor in valid if factors.get_method(factor) in allowed]
    if not accepted:
        return {"primary_required": {"allowed_auth_methods": allowed}}
    if not any(factors.is_address_verified_by(factor, member) for factor in accepted):
        methods = [name for name in factors.MAIL_METHODS if name in allowed]
        return {"primary_required": {"allowed_auth_methods": methods or allowed}}
    return list_unmet_second_factor(organization, member, held)


def list_allowed_methods(organization: Document, member: Document) -> list[str]:
    """Return the primary methods a member may use."""
    restricted = organization["auth_methods"] == "RESTRICTED" and not member["is_breakglass"]
    return list(organization["allowed_auth_methods"] if restricted else factors.PRIMARY_METHODS)


def list_unmet_second_factor(
    organization: Document, member: Document, held: list[Document]
) -> Document:
    """Return the second factor that is missing, with the ways the member has set up."""
    wanted = organization["mfa_policy"] == "REQUIRED_FOR_ALL" or member["mfa_enrolled"]
    own = [factor for factor in held if factor.get("_member_id") == member.get("member_id")]
    if not wanted or any(factor["type"] in factors.SECOND_FACTORS for factor in own):
        return {}
    numbers = {name: member[name] for name in ("mfa_phone_number", "totp_registration_id")}
    options = numbers if any(numbers.values()) else None
    return {"mfa_required": {"member_options": options, "secondary_auth_initiated": None}}
