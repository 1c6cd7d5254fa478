from kit import actor
from kit.actor import Caller


def test_nobody_in_particular_is_the_system():
    assert actor.current() == Caller(kind="system")


def test_caller_lasts_as_long_as_its_block():
    with actor.use(Caller(kind="operator", id="7")):
        assert actor.current().id == "7"

    assert actor.current() == Caller()


def test_identifying_keeps_where_the_request_came_from():
    with actor.use(Caller(ip="192.0.2.1", request_id="r1")):
        actor.identify("member", "m1")

        assert actor.current() == Caller("member", "m1", ip="192.0.2.1", request_id="r1")


def test_caller_travels_in_job_arguments():
    sent = Caller("member", "m1", ip="192.0.2.1", user_agent="curl", request_id="r1")

    assert actor.from_arguments(sent.as_arguments()) == sent


def test_arguments_of_an_older_release_are_understood():
    assert actor.from_arguments({"kind": "vendor", "id": "stripe", "shoe_size": "44"}) == Caller(
        "vendor", "stripe"
    )
