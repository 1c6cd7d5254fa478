"""Send the mails of Stytch with invitations, sign-in links and codes."""

from sandbox import mail
from sandbox.store import Document
from sandbox.stytch import credentials, members
from sandbox.stytch.values import add_query
from sandbox.world import World


def build_link_target(
    world: World, redirect_url: str | None, *, token_type: str, token: str
) -> str:
    """Build the URL of a mailed link, by default to the sandbox's landing page."""
    url = redirect_url or f"{world.settings.public_url}/landing"
    return add_query(url, stytch_token_type=token_type, token=token)


def send_discovery_mail(
    world: World, *, email: str, redirect_url: str | None, minutes: int, challenge: str | None
) -> None:
    """Mail a link that proves an address before an organization is chosen."""
    link = credentials.create_link_token(
        world, purpose="discovery", minutes=minutes, email=email, challenge=challenge
    )
    mail.deliver_mail(
        world,
        to=email,
        kind="discovery",
        subject="Sign in",
        text="Open this link to sign in and choose your organization.",
        link=build_link_target(world, redirect_url, token_type="discovery", token=link["token"]),  # noqa: S106
        token=link["token"],
        expires_at=link["expires_at"],
    )


def send_member_mail(  # noqa: PLR0913  a letter has this many parts
    world: World,
    *,
    kind: mail.MailKind,
    organization: Document,
    member: Document,
    subject: str,
    text: str,
    redirect_url: str | None,
    minutes: int,
    challenge: str | None = None,
) -> None:
    """Mail a member a link that signs in to one organization."""
    email = member["email_address"]
    link = credentials.create_link_token(
        world,
        purpose="member",
        minutes=minutes,
        email=email,
        member_id=member["member_id"],
        challenge=challenge,
    )
    kind_of_token = "multi_tenant_magic_links"  # noqa: S105  Stytch's name for it
    mail.deliver_mail(
        world,
        to=email,
        kind=kind,
        subject=subject,
        text=text,
        organization=organization["organization_name"],
        link=build_link_target(world, redirect_url, token_type=kind_of_token, token=link["token"]),
        token=link["token"],
        expires_at=link["expires_at"],
    )


def send_invitation_mail(
    world: World,
    *,
    organization: Document,
    member: Document,
    inviter_id: str | None,
    redirect_url: str | None,
    minutes: int,
) -> None:
    """Mail an invitation that names the inviting member."""
    inviter = members.get_member(world, organization, inviter_id) if inviter_id else None
    name = organization["organization_name"]
    by = (
        f"{inviter['name'] or inviter['email_address']} invited you"
        if inviter
        else "You are invited"
    )
    send_member_mail(
        world,
        kind="invite",
        organization=organization,
        member=member,
        subject=f"{by} to join {name}",
        text=f"Open this link to accept and become a member of {name}.",
        redirect_url=redirect_url,
        minutes=minutes,
    )


def send_code_mail(
    world: World, *, email: str, place: str, minutes: int, organization: str = ""
) -> None:
    """Mail a one-time code."""
    sent = credentials.create_code(world, place=place, email=email, minutes=minutes)
    where = f" to {organization}" if organization else ""
    mail.deliver_mail(
        world,
        to=email,
        kind="otp",
        subject=f"{sent['code']} is your sign-in code",
        text=f"Enter this code to sign in{where}.",
        code=sent["code"],
        expires_at=sent["expires_at"],
        organization=organization,
    )
