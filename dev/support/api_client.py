"""Call the API over HTTP as a front end does, from sign-in to payment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from support.errors import Refusal

Json = dict[str, Any]
Keys = Mapping[str, str]


@dataclass(frozen=True)
class BaseUrls:
    """Hold the URLs of the API and the sandbox."""

    api: str
    sandbox: str


@dataclass(frozen=True)
class Session:
    """Hold a signed-in member, its organization and its session token."""

    token: str
    organization: Json
    member: Json

    @classmethod
    def of(cls, answer: Json) -> Self:
        """Build a session from the API's Session document."""
        return cls(answer["session_jwt"], answer["organization"], answer["member"])

    @property
    def path(self) -> str:
        """Return the path of the organization in the API."""
        return f"/v1/organizations/{self.organization['slug']}"


class FrontEnd:
    """Act as a person with a browser, a mailbox and a card in the API and the sandbox."""

    def __init__(self, urls: BaseUrls) -> None:
        self.urls = urls
        self._http = httpx.Client(timeout=30)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call_api(
        self, method: str, path: str, body: Json | None = None, *, session: Session | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Call the API and return its JSON.

        Raises:
            Refusal: the API did not answer, or answered with an error.
        """
        headers = {"Authorization": f"Bearer {session.token}"} if session else {}
        try:
            answer = self._http.request(
                method, f"{self.urls.api}{path}", json=body, headers=headers
            )
        except httpx.TransportError as error:
            raise Refusal(f"{self.urls.api} does not answer; is it starting again?") from error
        if not answer.is_success:
            raise Refusal(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def status(self, method: str, path: str, *, session: Session | None = None) -> int:
        """Send a request that the API should refuse and return its status."""
        headers = {"Authorization": f"Bearer {session.token}"} if session else {}
        body = {"email": "refused@example.test", "role": "member"}
        url = f"{self.urls.api}{path}"
        return self._http.request(method, url, json=body, headers=headers).status_code

    def control(self, method: str, path: str, body: Json | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call the sandbox's control plane and return its JSON."""
        answer = self._http.request(method, f"{self.urls.sandbox}/_sandbox{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def list_stytch_members(self, slug: str, keys: Keys) -> list[Json]:
        """List an organization's members at Stytch."""
        answer = self._http.post(
            f"{self.urls.sandbox}/v1/b2b/organizations/members/search",
            json={"organization_ids": [slug]},
            auth=(keys["STYTCH_PROJECT_ID"], keys["STYTCH_SECRET"]),
        )
        answer.raise_for_status()
        return list(answer.json()["members"])

    def list_stripe_subscriptions(self, organization_id: str, keys: Keys) -> list[Json]:
        """List an organization's subscriptions at Stripe, oldest first."""
        answer = self._http.get(
            f"{self.urls.sandbox}/stripe/v1/subscriptions?status=all&limit=100",
            headers={"Authorization": f"Bearer {keys['STRIPE_SECRET_KEY']}"},
        )
        answer.raise_for_status()
        held = reversed(answer.json()["data"])
        return [s for s in held if s["metadata"].get("organization_id") == organization_id]

    def mailed_token(self, email: str, kind: str) -> str:
        """Find the token of the newest mail of a kind."""
        mails = self.control("GET", f"/inbox?email={email}")["mails"]
        for mail in mails:
            if mail["kind"] == kind:
                return str(parse_qs(urlsplit(mail["link"]).query)["token"][0])
        raise Refusal(f"No {kind} mail to {email} in the inbox.")

    def discover(self, email: str) -> Json:
        """Request a discovery link, open it and return the organizations of the address."""
        self.call_api("POST", "/v1/auth/magic-links", {"email": email})
        token = self.mailed_token(email, "discovery")
        found: Json = self.call_api("POST", "/v1/auth/discovery", {"token": token})
        return found

    def create_organization(self, email: str, *, name: str, slug: str) -> Session:
        """Sign up and create an organization."""
        ist = self.discover(email)["intermediate_session_token"]
        body = {"intermediate_session_token": ist, "name": name, "slug": slug}
        return Session.of(self.call_api("POST", "/v1/auth/organizations", body))

    def sign_in(self, email: str, *, slug: str) -> Session | None:
        """Sign in to an organization, or return None when the address is not a member."""
        found = self.discover(email)
        for organization in found["organizations"]:
            if organization["slug"] == slug and organization["membership"] == "active":
                body = {
                    "intermediate_session_token": found["intermediate_session_token"],
                    "organization_id": organization["id"],
                }
                return Session.of(self.call_api("POST", "/v1/auth/sessions", body))
        return None

    def invite(self, admin: Session, email: str, *, role: str, name: str = "") -> Json:
        """Invite an address into the admin's organization."""
        body = {"email": email, "role": role, "name": name}
        made: Json = self.call_api("POST", f"{admin.path}/invitations", body, session=admin)
        return made

    def accept(self, email: str) -> Session:
        """Accept the newest invitation sent to an address."""
        token = self.mailed_token(email, "invite")
        return Session.of(self.call_api("POST", "/v1/auth/invitations/accept", {"token": token}))

    def subscribe(self, admin: Session) -> Json:
        """Choose the first plan and pay on Stripe's page."""
        price = self.call_api("GET", "/v1/plans")["results"][0]["prices"][0]
        landing = f"{self.urls.sandbox}/landing"
        body = {"price_id": price["id"], "success_url": landing, "cancel_url": landing}
        checkout: Json = self.call_api(
            "POST", f"{admin.path}/billing/checkout", body, session=admin
        )
        page = urlsplit(checkout["url"]).path.rsplit("/", 1)[1]
        self.control("POST", f"/checkout/{page}/pay")
        return checkout
