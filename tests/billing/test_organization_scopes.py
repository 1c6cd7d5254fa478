"""Check that the seats of one organization do not depend on another."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.errors import SeatLimitReached
from billing.seat_rules import SeatInputs, SeatPolicy, State, decide_seats
from billing.seats import snapshot
from events.models import Event
from identity.models import ChangeKind, PendingChange
from tenancy import routing


def create_pending_invitation(organization):
    """Create the row of an invitation whose answer has not arrived."""
    PendingChange.objects.create(
        organization=organization.row,
        kind=ChangeKind.INVITE,
        subject="address:x@our.example",
        actor={},
        role="member",
        expires_at=timezone.now() + timedelta(seconds=30),
    )


def test_pending_changes_of_another_organization_take_no_seat(create_organization):
    acme, globex = create_organization(), create_organization()
    create_pending_invitation(globex)

    assert snapshot.count_seats(globex.row, snapshot.default_plan()).incoming == 1
    assert snapshot.count_seats(acme.row, snapshot.default_plan()).incoming == 0


def test_invitation_that_is_being_sent_takes_the_last_seat(create_organization):
    acme = create_organization(maximum_seats=2).subscribe()
    acme.request_seat()
    create_pending_invitation(acme)

    with pytest.raises(SeatLimitReached) as refusal:
        acme.request_seat()

    assert refusal.value.members == {"maximum": 2, "counted": 1, "reserved": 1}


def test_error_of_one_organization_is_not_stored_with_another(create_organization):
    acme, globex = create_organization().subscribe(), create_organization().subscribe()
    globex.add_member()
    globex.sync_seats()
    acme.add_fault(status=503, times=9)
    acme.add_member()

    acme.sync_seats()

    assert acme.seat_row.last_error != ""
    assert globex.seat_row.last_error == ""


def test_members_and_invitations_of_another_organization_are_not_counted(create_organization):
    acme, globex = create_organization(seats=2), create_organization(seats=3)
    globex.invite()

    count = snapshot.count_seats(acme.row, snapshot.default_plan())

    assert (count.counted, count.reserved) == (2, 0)


def test_attempt_of_another_organization_is_not_resumed(create_organization):
    acme, globex = create_organization().subscribe(), create_organization().subscribe()
    acme.add_fault(status=503, times=9)
    acme.add_member()
    acme.sync_seats()

    globex.add_member()
    globex.sync_seats()

    assert (globex.billed_quantity, globex.seat_state) == (2, "in_sync")
    assert acme.attempts.get().state == "in_flight"


def test_successful_sync_records_an_event(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()

    acme.sync_seats()

    with routing.activate(acme.row):
        event = Event.objects.get(type="seats.synced")
    assert event.changes == {"quantity": [1, 2]}


@pytest.mark.parametrize(
    ("counted", "state"), [(2, State.IN_SYNC), (3, State.IN_SYNC), (4, State.OVER_LIMIT)]
)
def test_exactly_the_maximum_is_not_over_the_limit(counted, state):
    situation = SeatInputs(
        counted=counted, policy=SeatPolicy(maximum=3), status="active", observed=counted
    )

    assert decide_seats(situation).state == state


def test_subscription_is_active_while_trialing(create_organization):
    row = create_organization(trial_days=14).subscribe().subscription

    assert (row.status, row.is_active, row.active_since is None) == ("trialing", True, False)
