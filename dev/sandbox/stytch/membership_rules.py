"""Check whether an organization's settings admit an address and its proof."""

from sandbox.store import Document
from sandbox.stytch import organizations
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


def list_unmet_requirements(
    organization: Document, member: Document, factors: list[Document]
) -> Document:
    """Return what an organization still requires of a member with these factors.

    The result is empty when nothing is missing. The sandbox can prove no second factor, so a
    member who needs one gets no session.
    """
    proven = {factor["type"] for factor in factors}
    allowed = organization["allowed_auth_methods"]
    restricted = organization["auth_methods"] == "RESTRICTED" and not member["is_breakglass"]
    if restricted and proven.isdisjoint(allowed):
        return {"primary_required": {"allowed_auth_methods": allowed}}
    if organization["mfa_policy"] == "REQUIRED_FOR_ALL" or member["mfa_enrolled"]:
        numbers = {name: member[name] for name in ("mfa_phone_number", "totp_registration_id")}
        options = numbers if any(numbers.values()) else None
        return {"mfa_required": {"member_options": options, "secondary_auth_initiated": None}}
    return {}
