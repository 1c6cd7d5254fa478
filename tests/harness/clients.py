"""Call the API and the control plane of the sandbox."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from tests.harness import contract
from tests.harness.plugin import API_URL, SANDBOX_URL
from tests.harness.stack import client, poll


class Api:
    """Call the API over HTTP: `api.post("/v1/…", json=…, token=…)`.

    An answer that the contract does not document fails the test.
    """

    def __init__(self):
        self._client = client(base_url=API_URL, timeout=30)

    def close(self):
        self._client.close()

    def request(self, method, path, *, token=None, headers=None, **options):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answer = self._client.request(method, path, headers=headers, **options)
        contract.check(answer)
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def patch(self, path, **options):
        return self.request("PATCH", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)


class Sandbox:
    """Call the control plane of the sandbox, and check its answers."""

    def __init__(self, url=SANDBOX_URL):
        self.http = client(base_url=url, timeout=40)
        self._created_at = datetime.now(UTC)

    def close(self):
        self.http.close()

    def get(self, path, /, **params):
        return self._answer(self.http.get(f"/_sandbox{path}", params=params))

    def post(self, path, /, **body):
        is_shared = str(self.http.base_url).rstrip("/") == SANDBOX_URL
        assert not (is_shared and path == "/clock/advance"), "use a sandbox of the test's own"
        return self._answer(self.http.post(f"/_sandbox{path}", json=body))

    def delete(self, path):
        return self._answer(self.http.delete(f"/_sandbox{path}"))

    def mail(self, email, kind=None):
        """Wait for a mail to an address, and return the newest one."""

        def newest():
            mails = self.get("/inbox", email=email)["mails"]
            return next((mail for mail in mails if kind in (None, mail["kind"])), None)

        return poll(newest, what=f"a mail to {email}")

    def mailed_token(self, email, kind=None):
        """Return the token in the link of the newest mail."""
        return parse_qs(urlsplit(self.mail(email, kind)["link"]).query)["token"][0]

    def requests(self, vendor, method=None, path=""):
        """Return the requests of the product to a vendor since this client was created.

        The sandbox keeps a thousand, so a count of all of them would stop growing.
        """
        return [
            request
            for request in self.get("/requests", vendor=vendor)["requests"]
            if path in request["path"]
            and method in (None, request["method"])
            and datetime.fromisoformat(request["at"]) >= self._created_at
        ]

    @staticmethod
    def _answer(response):
        assert response.is_success, (
            f"{response.request.url}: {response.status_code} {response.text}"
        )
        return response.json() if response.content else None
