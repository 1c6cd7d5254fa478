"""JSON as it is sent to the sandbox, taken only if it could be sent on."""

import json
from typing import Any


def read(body: bytes) -> Any:  # noqa: ANN401  any JSON
    """Return what a body says. Raises ValueError for what is no JSON, or could not be written again.

    Python reads NaN, halves of characters and numbers beyond every bound; the answer which
    repeats one would fail long after it was let in.
    """
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value
