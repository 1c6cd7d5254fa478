import socket
import threading

import pytest
import requests
from django.db import connection, transaction

from kit import outbound
from kit.outbound import Bulkhead, CalledInTransaction, VendorUnavailable

pytestmark = pytest.mark.django_db  # a call checks that no transaction is open


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_calls_pass_while_the_vendor_answers():
    bulkhead = Bulkhead("stytch")

    for _ in range(20):
        with bulkhead.enter():
            pass


def test_fourth_parallel_call_waits_and_is_refused():
    bulkhead = Bulkhead("stytch", wait=0.01)

    with (
        bulkhead.enter(),
        bulkhead.enter(),
        bulkhead.enter(),
        pytest.raises(VendorUnavailable) as refusal,
        bulkhead.enter(),
    ):
        pass

    assert refusal.value.status == 503
    assert refusal.value.headers["Retry-After"]


def test_parallel_calls_to_a_fast_vendor_are_accepted():
    bulkhead, passed = Bulkhead("stytch"), []

    def call():
        with bulkhead.enter():
            passed.append(threading.current_thread().name)
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert len(passed) == 20


def test_hanging_call_opens_the_circuit_until_it_ends():
    clock = Clock()
    bulkhead = Bulkhead("stytch", clock)

    with bulkhead.enter():
        clock.now = 1.5
        with pytest.raises(VendorUnavailable), bulkhead.enter():
            pass
    with bulkhead.enter():
        pass


def test_jobs_wait_where_requests_are_refused():
    clock = Clock()
    bulkhead = Bulkhead("stytch", clock)

    with bulkhead.enter(), outbound.use_job_timeouts():
        clock.now = 10.0
        with bulkhead.enter():
            pass


def test_one_job_at_a_time_calls_until_the_vendor_is_fast_again():
    clock = Clock()
    bulkhead = Bulkhead("stytch", clock)

    with outbound.use_job_timeouts():
        with bulkhead.enter():
            clock.now = 20.0
        with bulkhead.enter(), pytest.raises(VendorUnavailable), bulkhead.enter():
            pass
        with bulkhead.enter(), bulkhead.enter():
            pass


def test_failed_call_releases_its_slot():
    bulkhead = Bulkhead("stytch")

    for _ in range(5):
        with pytest.raises(RuntimeError), bulkhead.enter():
            raise RuntimeError


def test_no_vendor_is_called_within_a_transaction():
    with pytest.raises(CalledInTransaction), transaction.atomic(), outbound.guard_call("stytch"):
        pass


def test_hanging_call_ends_at_the_time_limit():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        token = outbound._limits.set((0.5, 0.1))
        try:
            with outbound.create_session() as session, pytest.raises(requests.ReadTimeout):
                # A limit given by the SDK is ignored.
                session.get(f"http://127.0.0.1:{port}/", timeout=600)
        finally:
            outbound._limits.reset(token)


def test_limits_are_longer_for_jobs_and_end_with_them():
    with outbound.use_job_timeouts():
        assert outbound._limits.get() == outbound.JOB_TIMEOUTS_SECONDS

    assert outbound._limits.get() == outbound.REQUEST_TIMEOUTS_SECONDS


def test_each_thread_starts_with_the_limits_of_a_request():
    seen = []

    with outbound.use_job_timeouts():
        thread = threading.Thread(target=lambda: seen.append(outbound._limits.get()))
        thread.start()
        thread.join()

    assert seen == [outbound.REQUEST_TIMEOUTS_SECONDS]
