"""Security settings are read from Stytch, written through to it, and enforced there."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from identity.directories.types import MemberDeleted, OrganizationSnapshot, SecuritySnapshot
from identity.models import ChangeKind, PendingChange, SecuritySettings
from identity.roles import Role
from identity.services import invitations, pending_changes
from identity.sync import apply, attribution
from kit import actor as actors
from kit.actor import Actor
from tenancy.models import Organization
from tests.harness.locking import organization_locked, waiting_for

DEFAULTS = {
    "allowed_domains": [],
    "invitations": "all",
    "just_in_time_joining": False,
    "mfa_policy": "optional",
    "allowed_sign_in_methods": None,
    "removal_is_final": False,
}


@pytest.fixture
def change(api):
    """Return a function that changes settings of an organization through the API."""

    def patch(organization, *, by="admin", **fields):
        return api.patch(f"{organization.path}/security", token=organization.token(by), json=fields)

    return patch


@pytest.fixture
def at_stytch(api, sandbox, new_organization, at_org):
    """Return a function that changes the organization in Stytch's dashboard and returns it."""
    path = f"/stytch/organizations/{at_org(new_organization)}"
    return lambda **fields: sandbox.post(path, **fields)


@pytest.fixture
def read(api):
    def get(organization):
        return api.get(f"{organization.path}/security", token=organization.admin.token).json()

    return get


@pytest.fixture
def join(api, front_end):
    """Return a function that signs an address in to an organization and returns the answer."""

    def enter(organization, email):
        found = front_end.discover(email)
        body = {
            "intermediate_session_token": found["intermediate_session_token"],
            "organization_id": organization.id,
        }
        return api.post("/v1/auth/sessions", json=body)

    return enter


def domain(organization):
    return f"{organization.slug}.example"


def test_settings_are_shown_as_stytch_has_them(new_organization, read, at_stytch, drop_webhooks):
    drop_webhooks()
    assert read(new_organization) == DEFAULTS

    at_stytch(email_allowed_domains=["b.example", "a.example"], email_invites="RESTRICTED")

    shown = read(new_organization)
    assert shown == DEFAULTS | {
        "allowed_domains": ["a.example", "b.example"], "invitations": "allowed_domains",
    }  # fmt: skip


def test_settings_are_written_to_stytch_with_one_event(
    new_organization, change, at_stytch, history, wait_until_settled
):
    wanted = {
        "allowed_domains": ["acme.example"],
        "invitations": "allowed_domains",
        "just_in_time_joining": True,
        "mfa_policy": "required",
        "allowed_sign_in_methods": ["email_otp", "magic_link"],
    }

    answer = change(new_organization, **wanted)

    assert (answer.status_code, answer.json()) == (200, DEFAULTS | wanted)
    stored = at_stytch()
    assert stored["email_allowed_domains"] == ["acme.example"]
    assert (stored["email_invites"], stored["email_jit_provisioning"]) == ("RESTRICTED",) * 2
    assert (stored["mfa_policy"], stored["auth_methods"]) == ("REQUIRED_FOR_ALL", "RESTRICTED")
    assert stored["allowed_auth_methods"] == ["email_otp", "magic_link"]
    wait_until_settled()
    (event,) = history(new_organization, "organization.security_changed")
    assert event["changes"] == {name: [DEFAULTS[name], value] for name, value in wanted.items()}
    assert event["actor"]["id"] == new_organization.admin.member["id"]


def test_every_method_is_allowed_again(new_organization, change, at_stytch):
    change(new_organization, allowed_sign_in_methods=["magic_link"])

    assert change(new_organization, allowed_sign_in_methods=None).status_code == 200

    assert at_stytch()["auth_methods"] == "ALL_ALLOWED"


def test_change_in_the_dashboard_is_recorded_with_its_values(
    new_organization, read, at_stytch, history, wait_until_settled
):
    read(new_organization)

    at_stytch(mfa_policy="REQUIRED_FOR_ALL")

    wait_until_settled()
    (event,) = history(new_organization, "organization.security_changed")
    assert event["changes"] == {"mfa_policy": ["optional", "required"]}
    assert event["actor"]["kind"] == "vendor"


def test_same_settings_again_change_nothing(new_organization, change, history, count_stytch_calls):
    asked = count_stytch_calls()

    assert change(new_organization, **DEFAULTS).status_code == 200

    assert len(asked()) == 1  # the look before
    assert history(new_organization, "organization.security_changed") == []


def test_reading_and_changing_takes_an_admin_of_the_same_organization(
    api, new_organization, globex, change
):
    path = f"{new_organization.path}/security"

    for person in ("member", "viewer"):
        assert api.get(path, token=new_organization.token(person)).status_code == 403
        assert change(new_organization, by=person, mfa_policy="required").status_code == 403
    assert api.get(path, token=globex.admin.token).status_code == 404
    assert api.patch(path, token=globex.admin.token, json={}).status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"just_in_time_joining": True}, "/just_in_time_joining"),
        ({"invitations": "allowed_domains"}, "/invitations"),
        ({"allowed_domains": ["no domain"]}, "/allowed_domains/0"),
        ({"allowed_domains": ["localhost"]}, "/allowed_domains/0"),
        ({"allowed_sign_in_methods": []}, "/allowed_sign_in_methods"),
        ({"allowed_sign_in_methods": ["fax"]}, "/allowed_sign_in_methods/0"),
    ],
)
def test_settings_without_a_meaning_are_refused(new_organization, change, fields, pointer):
    answer = change(new_organization, **fields)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_domains_that_are_needed_are_not_taken_away(new_organization, change):
    change(new_organization, allowed_domains=["acme.example"], just_in_time_joining=True)

    answer = change(new_organization, allowed_domains=[])

    assert answer.json()["errors"][0]["code"] == "needs_domains"


def test_spellings_of_one_domain_are_one(new_organization, change):
    answer = change(
        new_organization, allowed_domains=["xn--bcher-kva.example", "B\u00fccher.example"]
    )

    assert answer.json()["allowed_domains"] == ["b\u00fccher.example"]


def test_public_domain_is_refused_by_stytch_and_nothing_is_changed(
    new_organization, change, read, history
):
    answer = change(new_organization, allowed_domains=["gmail.com"], removal_is_final=True)

    assert (answer.status_code, answer.json()["code"]) == (409, "directory_refused")
    assert read(new_organization) == DEFAULTS
    assert history(new_organization, "organization.security_changed") == []


def test_own_provider_alone_is_refused_while_there_is_none(new_organization, change, read):
    answer = change(new_organization, allowed_sign_in_methods=["sso"])

    assert (answer.status_code, answer.json()["code"]) == (409, "no_sign_in_method")
    assert read(new_organization) == DEFAULTS


@pytest.mark.parametrize("after_effect", [True, False])
def test_lost_answer_is_looked_up(
    sandbox, new_organization, change, read, history, after_effect, drop_webhooks
):
    drop_webhooks()
    sandbox.post(
        "/faults",
        vendor="stytch",
        path="/v1/b2b/organizations/[^/]+",
        method="PUT",
        status=500,
        times=1,
        after_effect=after_effect,
    )

    answer = change(new_organization, mfa_policy="required")

    assert answer.status_code == (200 if after_effect else 503)
    assert read(new_organization)["mfa_policy"] == ("required" if after_effect else "optional")
    events = history(new_organization, "organization.security_changed")
    assert [event["actor"]["id"] for event in events] == (
        [new_organization.admin.member["id"]] if after_effect else []
    )


@pytest.mark.usefixtures("committed")
def test_settings_are_changed_under_the_lock(new_organization, read):
    read(new_organization)
    organization = Organization.objects.get(pk=new_organization.id)
    security = SecuritySnapshot(**{k: v for k, v in DEFAULTS.items() if k != "removal_is_final"})
    snapshot = OrganizationSnapshot(
        stytch_org_id=organization.stytch_org_id,
        read_at=datetime.now(UTC),
        name=organization.name,
        slug=organization.slug,
        security=SecuritySnapshot(
            **{name: getattr(security, name) for name in security.__slots__}
            | {"mfa_policy": "required"}
        ),
    )

    with (
        organization_locked(organization.pk) as holder,
        waiting_for(holder, lambda: apply.apply_snapshot(snapshot)) as running,
    ):
        stored = SecuritySettings.objects.in_organization(organization).get()
        assert stored.mfa_policy == "optional"

    running.result()


# ── What Stytch enforces ─────────────────────────────────────────────────────────────────────


def test_people_of_an_allowed_domain_join_by_signing_in(new_organization, change, join):
    email = f"eve-{secrets.token_hex(3)}@{domain(new_organization)}"
    assert join(new_organization, email).status_code == 404

    change(new_organization, allowed_domains=[domain(new_organization)], just_in_time_joining=True)

    answer = join(new_organization, email)
    assert (answer.status_code, answer.json()["member"]["role"]) == (201, "member")
    assert join(new_organization, "eve@elsewhere.example").status_code == 404


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [("all", [201, 201]), ("allowed_domains", [201, 409]), ("none", [409, 409])],
)
def test_invitations_follow_the_policy(api, new_organization, change, policy, statuses):
    change(new_organization, allowed_domains=[domain(new_organization)], invitations=policy)
    number = secrets.token_hex(3)

    answers = [
        api.post(
            f"{new_organization.path}/invitations",
            token=new_organization.admin.token,
            json={"email": email, "role": "viewer"},
        )
        for email in (f"in-{number}@{domain(new_organization)}", f"out-{number}@other.example")
    ]

    assert [one.status_code for one in answers] == statuses
    assert {one.json()["code"] for one in answers if one.status_code == 409} <= {
        "invitations_not_allowed"
    }


def test_sign_in_asks_for_the_second_factor_and_for_the_allowed_method(
    api, new_organization, change, join
):
    ada = new_organization.address("ada")
    change(new_organization, allowed_sign_in_methods=["google_oauth"])
    other = join(new_organization, ada)
    change(new_organization, allowed_sign_in_methods=None, mfa_policy="required")
    second = join(new_organization, ada)

    assert (other.status_code, other.json()["code"]) == (409, "another_factor_required")
    assert other.json()["methods"] == ["google_oauth"]
    assert (second.status_code, second.json()["code"]) == (409, "mfa_required")
    assert api.get("/v1/me", token=new_organization.admin.token).status_code == 200


# ── A removal that is final ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_final", [True, False])
def test_removed_member_joins_again_by_the_domain_unless_removals_are_final(
    api, new_organization, change, join, history, is_final, wait_until_settled
):
    change(
        new_organization,
        allowed_domains=[domain(new_organization)],
        just_in_time_joining=True,
        removal_is_final=is_final,
    )
    member = f"{new_organization.path}/members/{new_organization.member.member['id']}"
    api.delete(member, token=new_organization.admin.token)

    answer = join(new_organization, new_organization.address("grace"))

    wait_until_settled()
    shown = api.get(member, token=new_organization.admin.token).json()
    if not is_final:
        assert (answer.status_code, shown["status"]) == (201, "active")
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "member_suspended")
    assert shown["status"] == "suspended"
    (event,) = history(new_organization, "member.suspended")
    assert event["changes"] == {"status": ["removed", "suspended"]}
    back = api.post(f"{member}/restore", token=new_organization.admin.token)
    assert (back.status_code, back.json()["status"]) == (200, "active")
    assert join(new_organization, new_organization.address("grace")).status_code == 201


@pytest.fixture
def removed(organization, build_snapshot):
    """Return a removed member of an organization whose removals are final."""
    member = apply.apply_snapshot(build_snapshot(organization, "ada@acme.example")).member
    SecuritySettings.objects.create(organization=organization, removal_is_final=True)
    apply.apply_snapshot(MemberDeleted(stytch_member_id=member.stytch_member_id))
    return member


@pytest.mark.django_db
def test_admin_who_invites_or_reactivates_brings_a_removed_member_back(
    organization, removed, build_snapshot
):
    pending_changes.open_change(
        organization=organization,
        kind=ChangeKind.REACTIVATE,
        subject=attribution.subject_of_member(removed),
        role=removed.role,
    )

    back = build_snapshot(organization, removed.email, stytch_member_id=removed.stytch_member_id)

    assert apply.apply_snapshot(back).member.status == "active"


@pytest.mark.django_db
def test_invited_again_by_an_admin_is_active(organization, removed, build_snapshot):
    admin = apply.apply_snapshot(build_snapshot(organization, "admin@acme.example")).member
    with actors.act_as(Actor(kind="member", id=str(admin.pk))):
        invitations.prepare_invitation(organization, email=removed.email, role=Role.MEMBER)
        invited = build_snapshot(organization, removed.email, status="invited")
        apply.apply_snapshot(invited)

    accepted = build_snapshot(
        organization, removed.email, stytch_member_id=invited.stytch_member_id
    )

    assert apply.apply_snapshot(accepted).member.status == "active"


@pytest.mark.django_db
def test_setting_of_another_organization_keeps_no_one_out_here(
    organization, other_organization, build_snapshot
):
    SecuritySettings.objects.create(organization=other_organization, removal_is_final=True)
    SecuritySettings.objects.create(organization=organization)
    member = apply.apply_snapshot(build_snapshot(organization, "ada@acme.example")).member
    apply.apply_snapshot(MemberDeleted(stytch_member_id=member.stytch_member_id))

    back = apply.apply_snapshot(build_snapshot(organization, member.email)).member

    assert back.status == "active"


@pytest.mark.django_db
def test_settings_of_another_organization_stay_as_they_are(organization, other_organization):
    for one in (other_organization, organization):  # the other one is found first
        SecuritySettings.objects.create(organization=one)
    pending_changes.open_change(
        organization=other_organization,
        kind=ChangeKind.CHANGE_SECURITY,
        subject=attribution.SECURITY_SUBJECT,
    )

    apply.apply_snapshot(
        OrganizationSnapshot(
            stytch_org_id=organization.stytch_org_id,
            read_at=datetime.now(UTC),
            name=organization.name,
            slug=organization.slug,
            security=SecuritySnapshot(
                allowed_domains=["acme.example"],
                invitations="all",
                just_in_time_joining=True,
                mfa_policy="optional",
                allowed_sign_in_methods=None,
            ),
        )
    )

    stored = dict(SecuritySettings.objects.values_list("organization", "just_in_time_joining"))
    assert stored == {organization.pk: True, other_organization.pk: False}
    assert PendingChange.objects.in_organization(other_organization).open().count() == 1


@pytest.mark.django_db
def test_settings_that_another_organization_has_already_are_stored_here(
    organization, other_organization
):
    SecuritySettings.objects.create(organization=other_organization, mfa_policy="required")
    SecuritySettings.objects.create(organization=organization)

    apply.apply_snapshot(
        OrganizationSnapshot(
            stytch_org_id=organization.stytch_org_id,
            read_at=datetime.now(UTC),
            name=organization.name,
            slug=organization.slug,
            security=SecuritySnapshot(
                allowed_domains=[],
                invitations="all",
                just_in_time_joining=False,
                mfa_policy="required",
                allowed_sign_in_methods=None,
            ),
        )
    )

    assert SecuritySettings.objects.in_organization(organization).get().mfa_policy == "required"


@pytest.mark.django_db
def test_settings_of_before_a_change_are_not_stored_after_it(organization, build_security):
    now = datetime.now(UTC).replace(microsecond=0)
    apply.apply_snapshot(build_security("optional", changed_at=now))

    apply.apply_snapshot(build_security("required", changed_at=now - timedelta(seconds=5)))

    stored = SecuritySettings.objects.in_organization(organization).get()
    assert stored.mfa_policy == "optional"


@pytest.mark.django_db
def test_settings_that_may_be_older_are_fetched_again(organization, build_security):
    now = datetime.now(UTC).replace(microsecond=0)
    asked_before = build_security("required", changed_at=now)
    apply.apply_snapshot(build_security("optional", changed_at=now))

    apply.apply_snapshot(asked_before)

    stored = SecuritySettings.objects.in_organization(organization).get()
    assert stored.mfa_policy == "optional"
    assert ProcrastinateJob.objects.filter(
        task_name="identity.pull_organization", args__organization_id=str(organization.pk)
    ).exists()


@pytest.fixture
def build_security(organization):
    """Return a function that builds a snapshot of the organization with an MFA policy."""

    def build(mfa_policy, *, changed_at):
        return OrganizationSnapshot(
            stytch_org_id=organization.stytch_org_id,
            name=organization.name,
            slug=organization.slug,
            read_at=datetime.now(UTC),
            changed_at=changed_at,
            security=SecuritySnapshot(
                allowed_domains=[],
                invitations="all",
                just_in_time_joining=False,
                mfa_policy=mfa_policy,
                allowed_sign_in_methods=None,
            ),
        )

    return build


@pytest.mark.parametrize("verb", ["get", "patch"])
def test_organization_that_stytch_has_deleted_is_not_found(
    api, sandbox, new_organization, at_org, drop_webhooks, verb
):
    drop_webhooks()
    sandbox.delete(f"/stytch/organizations/{at_org(new_organization)}")
    body = {"json": {"removal_is_final": True}} if verb == "patch" else {}

    answer = getattr(api, verb)(
        f"{new_organization.path}/security", token=new_organization.admin.token, **body
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    stored = SecuritySettings.objects.get(organization_id=new_organization.id)
    assert stored.removal_is_final is False
