"""Create the demo organization with one person of each role and a paid subscription."""

import contextlib
import time

from support.api_client import FrontEnd, Session
from support.errors import Refusal

NAME, SLUG = "Demo Company", "demo"
ADMIN = "ada@demo.example"
# role → (address, name); the admin founds the organization, the others are invited.
PEOPLE = {
    "admin": (ADMIN, "Ada Admin"),
    "member": ("grace@demo.example", "Grace Member"),
    "viewer": ("vic@demo.example", "Vic Viewer"),
}
WAIT_SECONDS = 30.0


def seed_demo(front_end: FrontEnd) -> Session:
    """Create the missing parts of the demo and return the admin's session."""
    admin = front_end.sign_in(ADMIN, slug=SLUG) or front_end.create_organization(
        ADMIN, name=NAME, slug=SLUG
    )
    there = front_end.call_api("GET", f"{admin.path}/members?status=active", session=admin)[
        "results"
    ]
    known = {member["email"] for member in there}
    for role, (email, name) in PEOPLE.items():
        if email not in known:
            _add_person(front_end, admin, email=email, role=role, name=name)
    subscription = front_end.call_api("GET", f"{admin.path}/billing/subscription", session=admin)
    if not subscription["is_active"]:
        front_end.subscribe(admin)
        wait_for_webhook(front_end, admin, status="active")
    return admin


def create_demo_token(front_end: FrontEnd, role: str) -> str:
    """Create a session token of the demo's person with a role."""
    session = front_end.sign_in(PEOPLE[role][0], slug=SLUG)
    if session is None:
        raise Refusal("The demo organization is not there: start it with `make run`.")
    return session.token


def wait_for_webhook(front_end: FrontEnd, admin: Session, *, status: str) -> None:
    """Wait until a webhook has set the subscription to a status."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        subscription = front_end.call_api(
            "GET", f"{admin.path}/billing/subscription", session=admin
        )
        if subscription["status"] == status:
            return
        if time.monotonic() > deadline:
            raise Refusal(f"The subscription is {subscription['status']}, not {status}.")
        time.sleep(0.1)


def _add_person(front_end: FrontEnd, admin: Session, *, email: str, role: str, name: str) -> None:
    # An earlier run may have been stopped between the invitation and its acceptance: the mail is there.
    with contextlib.suppress(Refusal):
        front_end.invite(admin, email, role=role, name=name)
    front_end.accept(email)
