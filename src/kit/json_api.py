"""Parse and render JSON, refusing on input what no field could store."""

from collections.abc import Mapping
from typing import IO, Any, Final

import orjson
from django.conf import settings
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from kit.errors import ContentTooLarge, FieldError, Malformed

MAX_DEPTH: Final = 32


class JSONParser(BaseParser):
    """UTF-8 JSON, bounded in size and depth, without NUL characters."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        _parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body's value, an empty object for an empty body."""
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise ContentTooLarge(f"Send at most {limit} bytes.")
        if not raw.strip():
            return {}
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"The body is not valid JSON: {error.msg}.") from None
        # Both counts are far cheaper than a walk, and nearly every body passes by them.
        if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH or b"\\u0000" in raw:
            _check_depth(value)
        return value


class JSONRenderer(BaseRenderer):
    """Render JSON with orjson.

    UTC times end in Z, NaN becomes null, lazy strings and decimals become strings.
    """

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: object,
        _accepted_media_type: str | None = None,
        _renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the bytes of a response, none for None."""
        return b"" if data is None else dump_json(data)


class Negotiation(DefaultContentNegotiation):
    """Select JSON also for callers that accept only problem documents, as Swagger UI does."""

    def get_accept_list(self, request: Request) -> list[str]:
        """Return what the caller accepts, counting a problem document as JSON."""
        said = super().get_accept_list(request)
        return [each.replace("problem+json", "json") for each in said]


def dump_json(value: object) -> bytes:
    """Return `value` as JSON."""
    options = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=str, option=options)


def _check_depth(root: object) -> None:
    """Refuse NUL characters, which PostgreSQL cannot store, and nesting no field asks for."""
    waiting: list[tuple[object, str, int]] = [(root, "", 0)]
    while waiting:
        value, pointer, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _build_refusal("", "too_deep", f"Nest at most {MAX_DEPTH} levels.")
        if isinstance(value, str) and "\0" in value:
            raise _build_refusal(pointer, "null_characters_not_allowed", "NUL cannot be stored.")
        if isinstance(value, list):
            waiting += [(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
        if isinstance(value, dict):
            if any("\0" in key for key in value):
                raise _build_refusal(
                    pointer, "null_characters_not_allowed", "NUL cannot be stored."
                )
            waiting += [(item, f"{pointer}/{key}", depth + 1) for key, item in value.items()]


def _build_refusal(pointer: str, code: str, detail: str) -> Malformed:
    return Malformed(errors=[FieldError(pointer[:200], code, detail)])
