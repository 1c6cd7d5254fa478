"""Parse the bodies sent to the sandbox, which are JSON or the forms of its pages."""

import json
from typing import Any
from urllib.parse import parse_qsl


def parse_json_body(body: bytes) -> Any:  # noqa: ANN401  any JSON
    """Parse a JSON body.

    Python reads NaN, lone surrogates and numbers of any size; an answer that repeats one would fail long
    after the body was accepted. They are refused here.

    Raises:
        ValueError: The body is not JSON, or it could not be serialized again.
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
