from kit import actor
from kit.actor import Actor


def test_default_actor_is_the_system():
    assert actor.get_actor() == Actor(kind="system")


def test_actor_is_reset_after_its_block():
    with actor.act_as(Actor(kind="operator", id="7")):
        assert actor.get_actor().id == "7"

    assert actor.get_actor() == Actor()


def test_identified_actor_keeps_the_origin_of_the_request():
    with actor.act_as(Actor(ip="192.0.2.1", request_id="r1")):
        actor.identify_actor("member", "m1")

        assert actor.get_actor() == Actor("member", "m1", ip="192.0.2.1", request_id="r1")


def test_actor_is_passed_in_job_arguments():
    sent = Actor("member", "m1", ip="192.0.2.1", user_agent="curl", request_id="r1")

    assert actor.actor_from_arguments(sent.as_arguments()) == sent


def test_arguments_of_an_older_release_are_read():
    assert actor.actor_from_arguments(
        {"kind": "vendor", "id": "stripe", "shoe_size": "44"}
    ) == Actor("vendor", "stripe")
