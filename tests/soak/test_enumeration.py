"""Known and unknown addresses get the same answer, in the same time (medians of 200 pairs)."""

import secrets
import statistics
import time

import pytest

pytestmark = pytest.mark.soak

PAIRS = 200
MAX_DIFFERENCE_MS = 5


def measure(api, call, body):
    """Return the answer without its request id, and the milliseconds it took."""
    started = time.perf_counter()
    answer = api.post(f"/v1/auth/{call}", json=body)
    took = (time.perf_counter() - started) * 1000
    content = {k: v for k, v in answer.json().items() if k not in {"request_id", "instance"}}
    return (answer.status_code, content), took


@pytest.mark.parametrize(
    ("call", "fields"),
    [("magic-links", {}), ("otp/send", {}), ("otp/verify", {"code": "000000"})],
)
def test_known_and_unknown_addresses_cannot_be_told_apart(api, acme, call, fields, capsys):
    people = {"known": acme.address("ada"), "unknown": f"eve-{secrets.token_hex(4)}@x.example"}
    times = {kind: [] for kind in people}
    answers = {kind: [] for kind in people}
    for number in range(PAIRS):
        # The order changes, so that neither is always the second after a pause.
        for kind in sorted(people, reverse=bool(number % 2)):
            answer, took = measure(api, call, {"email": people[kind], **fields})
            answers[kind].append(answer)
            times[kind].append(took)

    medians = {kind: statistics.median(took) for kind, took in times.items()}
    with capsys.disabled():
        print(f"\n{call}: " + ", ".join(f"{k} {v:.2f} ms" for k, v in medians.items()))  # noqa: T201
    assert answers["known"] == answers["unknown"]
    assert abs(medians["known"] - medians["unknown"]) < MAX_DIFFERENCE_MS
