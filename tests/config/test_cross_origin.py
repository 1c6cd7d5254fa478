"""Check what a page of another origin may send and read."""

ORIGIN = {"Origin": "https://app.example"}


def test_front_end_may_send_its_session_and_trace_headers(api, stack):
    wanted = ["authorization", "content-type", "traceparent", "x-request-id"]
    request_headers = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": ",".join(wanted),
    }

    answer = api.request("OPTIONS", "/v1/me", headers=ORIGIN | request_headers)

    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(wanted) <= set(allowed)
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_front_end_may_read_retry_after_and_request_id(api, stack):
    answer = api.get("/v1/me", headers=ORIGIN)

    readable = answer.headers["Access-Control-Expose-Headers"].lower().split(", ")
    assert {"retry-after", "x-request-id"} <= set(readable)


def test_front_end_may_read_a_refusal_of_a_large_body(api, stack):
    answer = api.post("/v1/me", headers=ORIGIN, content=b" " * (1024 * 1024 + 1))

    assert answer.status_code == 413
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_other_origins_may_read_nothing(api, stack):
    answer = api.get("/v1/me", headers={"Origin": "https://app.example.evil.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers
