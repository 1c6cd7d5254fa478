"""Who may be let in: what an organization's settings say of an address."""

from sandbox.store import Document
from sandbox.stytch import organizations
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import domain_of


def check_invitable(organization: Document, email: str) -> None:
    """Refuse an invitation that the organization's settings do not allow."""
    setting = organization["email_invites"]
    domains = [domain.lower() for domain in organization["email_allowed_domains"]]
    restricted = setting == "RESTRICTED" and domain_of(email) not in domains
    if setting == "NOT_ALLOWED" or restricted:
        raise StytchError("invalid_email_for_invites")


def check_joinable(organization: Document, email: str) -> None:
    """Refuse someone who may not join by their address alone."""
    if organization["email_jit_provisioning"] == "NOT_ALLOWED":
        raise StytchError("email_jit_provisioning_not_allowed")
    if domain_of(email) not in organizations.joinable_domains(organization):
        raise StytchError("invalid_email_for_jit_provisioning")
