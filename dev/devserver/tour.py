"""Walk through the life of one organization for `make demo` and print each step."""

import secrets
import time
from collections.abc import Callable

from devserver.seed import WAIT_SECONDS, wait_for_webhook
from support.api_client import FrontEnd, Json, Keys, Session

BOLD, DIM, PLAIN = "\033[1m", "\033[2m", "\033[0m"


class Tour:
    """Run the tour once, in a new organization."""

    def __init__(self, front_end: FrontEnd, keys: Keys, report: Callable[[str], None]) -> None:
        self.front_end = front_end
        self.keys = keys
        self.report = report
        self.slug = f"tour-{secrets.token_hex(3)}"
        self.steps = 0

    def walk(self) -> None:
        """Run all steps from the first sign-in to a cancelled and renewed subscription."""
        admin = self._sign_up()
        self._upgrade(admin)
        self._grow(admin)
        self._change_roles(admin)
        self._refusals(admin)
        self._leave_and_return(admin)
        urls = self.front_end.urls
        self.report(f"\n{BOLD}Done.{PLAIN} While `make run` is running, look at {self.slug} here:")
        self._fact("admin", f"{urls.api}/admin/tenancy/organization/?q={self.slug}")
        self._fact("inbox", f"{urls.sandbox}/inbox")
        self._fact("webhooks", f"{urls.sandbox}/events")

    def _sign_up(self) -> Session:
        email = self._address("ada")
        self._step(f"{email} asks for a link, opens it and creates an organization")
        admin = self.front_end.create_organization(email, name="Tour Company", slug=self.slug)
        me = self.front_end.call_api("GET", "/v1/me", session=admin)
        self._fact("API", f"{self.slug}: signed in as {me['member']['role']}, schema ready")
        return admin

    def _upgrade(self, admin: Session) -> None:
        self._step("The admin chooses a plan and pays on Stripe's page")
        checkout = self.front_end.subscribe(admin)
        self._fact("checkout", checkout["url"])
        wait_for_webhook(self.front_end, admin, status="active")
        self._seats(admin, 1)

    def _grow(self, admin: Session) -> None:
        self._step("A member and a viewer are invited, and accept")
        for name, role in (("grace", "member"), ("vic", "viewer")):
            self.front_end.invite(admin, self._address(name), role=role)
            session = self.front_end.accept(self._address(name))
            self._fact("API", f"{name} joined as {session.member['role']}")
        self._seats(admin, 2, why="viewers are free")

    def _change_roles(self, admin: Session) -> None:
        self._step("The viewer becomes a member, then a member is removed")
        self._patch_role(admin, "vic", "member")
        self._seats(admin, 3)
        grace = self._member(admin, "grace")
        self.front_end.call_api("DELETE", f"{admin.path}/members/{grace}", session=admin)
        self._seats(admin, 2)

    def _refusals(self, admin: Session) -> None:
        self._step("What is refused, and how")
        vic = self.front_end.sign_in(self._address("vic"), slug=self.slug)
        outsider = self.front_end.create_organization(
            self._address("olga"), name="Other Company", slug=f"{self.slug}-other"
        )
        callers = (
            ("a member", vic),
            ("an outsider", outsider),
            ("a caller without a session", None),
        )
        for caller, session in callers:
            status = self.front_end.status("POST", f"{admin.path}/invitations", session=session)
            self._fact("API", f"{caller} who invites gets {status}")

    def _leave_and_return(self, admin: Session) -> None:
        self._step("The subscription is canceled at once, and bought again")
        cancel = {"at_period_end": False}
        path = f"{admin.path}/billing/subscription/cancel"
        self.front_end.call_api("POST", path, cancel, session=admin)
        wait_for_webhook(self.front_end, admin, status="canceled")
        self._standing(admin)
        self._vendors(admin)
        self.front_end.subscribe(admin)
        wait_for_webhook(self.front_end, admin, status="active")
        self._standing(admin)
        self._vendors(admin)

    def _address(self, name: str) -> str:
        return f"{name}@{self.slug}.example"

    def _member(self, admin: Session, name: str) -> str:
        email = self._address(name)
        page = self.front_end.call_api("GET", f"{admin.path}/members?email={email}", session=admin)
        return str(page["results"][0]["id"])

    def _patch_role(self, admin: Session, name: str, role: str) -> None:
        member = self._member(admin, name)
        self.front_end.call_api(
            "PATCH", f"{admin.path}/members/{member}", {"role": role}, session=admin
        )

    def _seats(self, admin: Session, expected: int, *, why: str = "") -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        path = f"{admin.path}/billing/seats"
        seats = self.front_end.call_api("GET", path, session=admin)
        while seats["provider_quantity"] != expected and time.monotonic() < deadline:
            time.sleep(0.2)
            seats = self.front_end.call_api("GET", path, session=admin)
        counted, held = seats["counted"], seats["provider_quantity"]
        self._fact("seats", f"counted {counted}, billed {held}{f' ({why})' if why else ''}")
        self._vendors(admin)

    def _vendors(self, admin: Session) -> None:
        members = self.front_end.list_stytch_members(self.slug, self.keys)
        people = ", ".join(
            f"{m['email_address'].split('@')[0]} {m['status']} ({_list_roles(m)})" for m in members
        )
        self._fact("Stytch", people)
        for held in self.front_end.list_stripe_subscriptions(admin.organization["id"], self.keys):
            item = held["items"]["data"][0]
            self._fact("Stripe", f"{held['id']} {held['status']}, quantity {item['quantity']}")

    def _standing(self, admin: Session) -> None:
        path = f"{admin.path}/billing/subscription"
        subscription = self.front_end.call_api("GET", path, session=admin)
        self._fact("API", f"{subscription['status']}, access {subscription['access']}")

    def _step(self, text: str) -> None:
        self.steps += 1
        self.report(f"\n{BOLD}{self.steps}. {text}{PLAIN}")

    def _fact(self, source: str, text: str) -> None:
        self.report(f"   {DIM}{source:>9}{PLAIN}  {text}")


def _list_roles(member: Json) -> str:
    given = [role["role_id"] for role in member["roles"] if role["role_id"] != "stytch_member"]
    return ", ".join(given) or "stytch_member"
