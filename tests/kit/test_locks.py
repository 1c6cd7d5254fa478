import threading

import django.db
import pytest
from django.db import connection, transaction

from kit import locks


def is_free(key):
    """Return whether another connection can take the lock."""
    answers = []

    def try_lock():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [locks.lock_number(key)])
            answers.append(cursor.fetchone()[0])
        django.db.connection.close()

    thread = threading.Thread(target=try_lock)
    thread.start()
    thread.join(timeout=10)
    return answers[0]


def test_one_process_at_a_time_holds_an_object(committed):
    with locks.hold_object("stripe:sub_1"):
        assert not is_free("stripe:sub_1")
        assert is_free("stripe:sub_2")

    assert is_free("stripe:sub_1")


def test_lock_is_released_when_the_work_fails(committed):
    with pytest.raises(RuntimeError), locks.hold_object("stripe:sub_3"):
        raise RuntimeError

    assert is_free("stripe:sub_3")


def test_lock_is_refused_within_a_transaction(committed):
    with pytest.raises(locks.LockMisused), transaction.atomic(), locks.hold_object("stripe:sub_4"):
        pass


def test_transaction_lock_ends_with_the_transaction(committed):
    with transaction.atomic():
        assert locks.try_lock_transaction("pool")
        assert not is_free("pool")

    assert is_free("pool")
