"""Bodies as they are sent to the sandbox.

JSON that could be sent on, and forms of its pages.
"""

import json
from typing import Any
from urllib.parse import parse_qsl


def parse_json_body(body: bytes) -> Any:  # noqa: ANN401  any JSON
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


def parse_form(body: bytes) -> dict[str, str]:
    """Return the fields of a page's form, trimmed."""
    fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    return {name: value.strip() for name, value in fields}
