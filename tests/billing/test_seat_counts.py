"""Check who is billed, who reserves a seat, and what the ledger records."""

from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from billing.errors import SeatLimitReached, SeatsChanged
from billing.models import SeatChange
from billing.seat_rules import State
from identity.models import Invitation, Member, Status
from tests.harness.plugin import DATABASE, WEB_URL, on_database


def count_seats(organization):
    return organization.report.counted


def test_admins_and_members_count_and_viewers_are_free(create_organization):
    acme = create_organization(seats=2)
    acme.add_member("admin")
    acme.add_member("viewer")

    assert count_seats(acme) == 3


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.PENDING])
def test_only_active_members_count(create_organization, status):
    acme = create_organization(seats=2)
    Member.objects.filter(pk=acme.members[0].pk).update(status=status)

    assert count_seats(acme) == 1


def test_staff_are_never_billed(create_organization):
    acme = create_organization(seats=2)
    user = acme.members[0].user
    user.is_staff = True
    user.save()

    assert count_seats(acme) == 1


def test_promotion_of_a_viewer_takes_a_seat_and_demotion_frees_it(create_organization):
    acme = create_organization()
    viewer = acme.add_member("viewer")

    acme.change_role(viewer, "member")
    assert count_seats(acme) == 2
    acme.change_role(viewer, "admin")
    assert count_seats(acme) == 2
    acme.change_role(viewer, "viewer")
    assert count_seats(acme) == 1


def test_invitation_reserves_a_seat_and_is_not_billed(create_organization):
    acme = create_organization(maximum_seats=5)
    acme.subscribe()
    acme.invite("member")
    acme.invite("viewer")

    assert (count_seats(acme), acme.report.reserved, acme.report.target) == (1, 1, 1)


def test_plan_may_bill_invitations(create_organization):
    acme = create_organization(bills_invitations=True).subscribe()
    acme.invite("member")

    assert (count_seats(acme), acme.report.reserved) == (2, 0)


def test_expired_invitation_frees_its_reservation(create_organization):
    acme = create_organization(maximum_seats=2).subscribe()
    acme.invite("member", expires_in=timedelta(seconds=-1))

    assert acme.report.reserved == 0
    acme.request_seat("member")


def test_invited_person_who_is_a_member_counts_once(create_organization):
    acme = create_organization()
    invitation = acme.invite("member")
    Member.objects.filter(pk=acme.add_member().pk).update(
        stytch_member_id=invitation.stytch_member_id
    )

    assert (count_seats(acme), acme.report.reserved) == (2, 0)


def test_full_plan_refuses_with_counts(create_organization):
    acme = create_organization(seats=2, maximum_seats=3).subscribe()
    acme.invite("member")

    with pytest.raises(SeatLimitReached) as refusal:
        acme.request_seat("member")

    assert refusal.value.members == {"maximum": 3, "counted": 2, "reserved": 1}


def test_member_without_a_stytch_id_does_not_change_reservations(create_organization):
    acme = create_organization(seats=2)
    Member.objects.filter(pk=acme.members[0].pk).update(stytch_member_id=None)

    acme.invite()

    assert acme.report.reserved == 1


def test_invitation_of_an_active_members_address_reserves_no_second_seat(create_organization):
    acme, globex = create_organization(seats=2), create_organization()
    here, there = acme.invite(), globex.invite()
    acme.members[0].email = here.email.upper()
    acme.members[0].save()
    Invitation.objects.filter(pk=there.pk).update(
        email=acme.members[1].email, email_key=acme.members[1].email_key
    )

    assert (acme.report.reserved, globex.report.reserved) == (0, 1)


def test_invitation_of_a_suspended_members_address_reserves_a_seat(create_organization):
    acme = create_organization(seats=2)
    invitation = acme.invite()
    Member.objects.filter(pk=acme.members[0].pk).update(
        email=invitation.email, email_key=invitation.email_key, status=Status.SUSPENDED
    )

    assert (count_seats(acme), acme.report.reserved) == (1, 1)


@pytest.mark.parametrize(("role", "before"), [("viewer", ""), ("admin", "member")])
def test_full_plan_accepts_changes_that_take_no_seat(create_organization, role, before):
    acme = create_organization(seats=2, maximum_seats=2).subscribe()

    acme.request_seat(role, before=before)


def test_member_added_by_stytch_is_accepted_over_the_limit(create_organization):
    acme = create_organization(seats=2, maximum_seats=2).subscribe()
    acme.add_member()

    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (3, State.OVER_LIMIT)
    acme.request_seat("viewer")


def test_other_expected_seats_are_refused(create_organization):
    acme = create_organization(seats=2).subscribe()

    acme.request_seat("member", expected_seats=3)
    with pytest.raises(SeatsChanged) as refusal:
        acme.request_seat("member", expected_seats=4)

    assert refusal.value.members == {"expected": 4, "resulting": 3}


def test_ledger_stores_actor_reason_and_counts(create_organization):
    acme = create_organization()
    joined = acme.accept_invitation(acme.invite())

    row = acme.row.seat_changes.first()

    assert (row.reason, row.subject_id) == (SeatChange.Reason.MEMBER_ADDED, joined.pk)
    assert (row.actor_kind, row.actor_id) == ("member", str(joined.pk))
    assert (row.counted_before, row.counted_after, row.target, row.revision) == (1, 2, 2, 3)


def test_count_changed_by_expiry_is_recorded_before_it_is_sent(
    create_organization,
):
    acme = create_organization(seats=2, bills_invitations=True).subscribe()
    invitation = acme.invite()
    acme.sync_seats()
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now())

    acme.sync_seats()

    rows = list(acme.row.seat_changes.values_list("counted_before", "counted_after"))[::-1]
    assert rows[-1] == (3, 2)
    assert (acme.report.revision, acme.attempts.last().revision) == (len(rows), len(rows))
    assert [after for _, after in rows[:-1]] == [before for before, _ in rows[1:]]
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_free_plan_counts_and_sends_nothing(create_organization):
    acme = create_organization(seats=3)

    acme.sync_seats()

    assert (acme.seat_state, acme.report.provider_quantity) == (State.NONE, None)
    assert not acme.attempts.exists()


def test_web_role_cannot_update_or_delete_ledger_rows(create_organization):
    create_organization()

    with psycopg.connect(on_database(WEB_URL, DATABASE), autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM billing_seatchange").fetchone()[0]
        for forbidden in (
            "UPDATE billing_seatchange SET target = 0",
            "DELETE FROM billing_seatchange",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)
