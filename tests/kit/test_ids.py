import threading
import time

from kit.ids import uuid7


def test_id_is_a_version_seven_uuid_of_this_moment():
    before = time.time_ns() // 1_000_000

    made = uuid7()

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_of_one_thread_ascend():
    made = [uuid7() for _ in range(2000)]

    assert made == sorted(made)


def test_ids_of_many_threads_are_unique():
    made = []

    def make():
        made.extend([uuid7() for _ in range(500)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 4000
