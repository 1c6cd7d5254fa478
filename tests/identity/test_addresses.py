"""Addresses are compared by their normal form, wherever one is looked up."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from identity.directories.types import MemberDeleted
from identity.models import ChangeKind, Invitation, Member, User
from identity.roles import Role
from identity.services import invitations, pending_changes
from identity.sync import apply, attribution, users
from kit.addresses import normalize_email

UNICODE, ASCII = "b\u00fccher", "xn--bcher-kva"


@pytest.fixture
def spellings():
    """Return three spellings of one new address: in Unicode, decomposed, and in ASCII."""
    name = f"ada-{secrets.token_hex(4)}"
    return [f"{name}@{UNICODE}.example", f"{name}@bu\u0308cher.example", f"{name}@{ASCII}.example"]


def invite(api, organization, email):
    return api.post(
        f"{organization.path}/invitations",
        token=organization.admin.token,
        json={"email": email, "role": "viewer"},
    )


def test_one_pending_invitation_for_all_spellings(api, new_organization, spellings):
    first, *others = [invite(api, new_organization, email) for email in spellings]

    assert (first.status_code, first.json()["email"]) == (201, spellings[0])
    assert {(one.status_code, one.json()["code"]) for one in others} == {
        (409, "invitation_pending")
    }


def test_invitation_is_found_by_every_spelling(api, new_organization, spellings):
    invite(api, new_organization, spellings[0])

    for email in spellings:
        found = api.get(
            f"{new_organization.path}/invitations",
            params={"email": email},
            token=new_organization.admin.token,
        ).json()
        assert [one["email"] for one in found["results"]] == [spellings[0]]


def test_member_is_invited_and_found_by_no_other_spelling(
    api, front_end, new_organization, spellings
):
    invite(api, new_organization, spellings[0])
    front_end.accept(spellings[0])

    answers = [invite(api, new_organization, email) for email in spellings]

    assert {one.json()["code"] for one in answers} == {"already_member"}
    path, token = f"{new_organization.path}/members", new_organization.admin.token
    found = api.get(path, params={"email": spellings[2]}, token=token).json()["results"]
    assert [one["email"] for one in found] == [spellings[0]]


def test_bulk_names_each_address_once_in_any_spelling(api, acme, spellings):
    rows = [{"email": email, "role": "viewer"} for email in spellings[::2]]

    answer = api.post(
        f"{acme.path}/invitations/bulk", token=acme.admin.token, json={"invitations": rows}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "repeated_address"


pytest_db = pytest.mark.django_db


@pytest_db
def test_one_person_in_two_organizations_is_one_user_in_any_spelling(
    organization, other_organization, build_snapshot, proofs, spellings
):
    here, there = (
        apply.apply_snapshot(
            build_snapshot(place, email), proof=proofs.email(normalize_email(email))
        ).member
        for place, email in ((organization, spellings[0]), (other_organization, spellings[2]))
    )

    assert here.user_id == there.user_id
    assert users.is_linked(there)


@pytest_db
def test_compatibility_form_of_an_address_is_another_person(
    organization, other_organization, build_snapshot, proofs
):
    usual, full_width = "ada@acme.example", "\uff41da@acme.example"

    here, there = (
        apply.apply_snapshot(build_snapshot(place, email), proof=proofs.email(email)).member
        for place, email in ((organization, usual), (other_organization, full_width))
    )

    assert here.user_id != there.user_id


@pytest_db
def test_member_created_again_under_another_spelling_keeps_its_row(
    organization, build_snapshot, spellings
):
    first = apply.apply_snapshot(build_snapshot(organization, spellings[0])).member
    apply.apply_snapshot(MemberDeleted(stytch_member_id=first.stytch_member_id))

    again = apply.apply_snapshot(build_snapshot(organization, spellings[2])).member

    assert again.pk == first.pk


@pytest_db
def test_member_closes_the_invitation_of_another_spelling(organization, build_snapshot, spellings):
    apply.apply_snapshot(build_snapshot(organization, spellings[0], status="invited"))

    apply.apply_snapshot(build_snapshot(organization, spellings[2]))

    assert Invitation.objects.in_organization(organization).get().status == "accepted"


@pytest_db
def test_change_of_an_address_is_attributed_in_any_spelling(organization, spellings):
    for email in spellings:
        assert attribution.subject_of_address(email) == f"address:{normalize_email(spellings[0])}"


@pytest_db
def test_block_holds_for_every_spelling(
    organization, other_organization, build_snapshot, proofs, spellings
):
    blocked = apply.apply_snapshot(
        build_snapshot(organization, spellings[0]),
        proof=proofs.email(normalize_email(spellings[0])),
    ).member
    users.block_user(blocked.user)

    there = apply.apply_snapshot(build_snapshot(other_organization, spellings[2])).member

    assert not there.user.is_active


@pytest_db
@pytest.mark.parametrize(
    "fields", [{"email_verified": True}, {"is_staff": True}], ids=["person", "staff"]
)
def test_database_keeps_one_user_for_all_spellings(spellings, fields):
    User.objects.create(email=spellings[0], **fields)

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email=spellings[2], **fields)


@pytest_db
def test_staff_sign_in_with_every_spelling(spellings):
    created = User.objects.create_superuser(email=spellings[0], password="x" * 20)

    assert User.objects.get_by_natural_key(spellings[2]) == created


@pytest_db
def test_longest_address_fits_into_its_columns(organization, build_snapshot):
    """Each label of 40 letters is longer in ASCII."""
    domain = ".".join([f"{'\u00fc' * 40}"] * 3 + ["example"])
    email = f"{'a' * (254 - len(domain) - 1)}@{domain}"

    member = apply.apply_snapshot(build_snapshot(organization, email)).member
    change = pending_changes.open_change(
        organization=organization,
        kind=ChangeKind.INVITE,
        subject=attribution.subject_of_address(email),
    )

    assert Member.objects.get(pk=member.pk).email_key == normalize_email(email)
    assert len(change.subject) > 255


def test_lost_answer_to_an_invitation_is_looked_up_as_it_was_sent(
    api, sandbox, new_organization, spellings
):
    """Stytch is asked for the address in the spelling it has."""
    path = "/v1/b2b/magic_links/email/invite"
    sandbox.post("/faults", vendor="stytch", path=path, status=500, times=1, after_effect=True)

    answer = invite(api, new_organization, spellings[0])

    assert answer.status_code == 201


@pytest_db
def test_invitation_is_prepared_once_for_all_spellings(organization, spellings):
    invitations.prepare_invitation(organization, email=spellings[0], role=Role.VIEWER)

    with pytest.raises(pending_changes.ChangeInProgress):
        invitations.prepare_invitation(organization, email=spellings[2], role=Role.VIEWER)


@pytest_db
@pytest.mark.parametrize("status", ["active", "invited"])
def test_two_spellings_that_stytch_keeps_apart_are_not_fetched_again(
    organization, build_snapshot, spellings, status
):
    """Two members of one address in two spellings stay two, so fetching them would never end."""
    apply.apply_snapshot(build_snapshot(organization, spellings[0]))

    applied = apply.apply_snapshot(build_snapshot(organization, spellings[2], status=status))

    assert (applied.member or applied.invitation).email == spellings[2]
    assert not ProcrastinateJob.objects.filter(task_name="identity.pull_member").exists()


@pytest_db
def test_invitation_takes_no_address_of_another_in_another_spelling(
    organization, build_snapshot, spellings
):
    first = build_snapshot(organization, spellings[0], status="invited")
    second = build_snapshot(organization, status="invited")
    apply.apply_snapshot(first)
    apply.apply_snapshot(second)

    apply.apply_snapshot(replace(second, email=spellings[2], read_at=datetime.now(UTC)))

    found = Invitation.objects.in_organization(organization).open()
    assert set(found.values_list("email", flat=True)) == {first.email, second.email}
    assert not ProcrastinateJob.objects.filter(task_name="identity.pull_member").exists()
