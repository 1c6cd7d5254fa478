"""Define the base classes of all problems a caller may get, rendered by kit.problems.

Problem                       500 internal_error
├── Malformed                 400 malformed: errors[] says which field, and why
│   ├── InvalidCursor             invalid_cursor
│   └── UnknownParameter          unknown_parameter
├── Unauthenticated           401
├── PaymentRequired           402
├── Forbidden                 403
│   └── AccessNotDeclared         access_not_declared
├── NotFound                  404: missing, or not yours
├── MethodNotAllowed          405
├── NotAcceptable             406
├── Conflict                  409
├── LengthRequired            411
├── ContentTooLarge           413
├── UnsupportedMediaType      415
├── TooManyRequests           429
└── Unavailable               503

A slice subclasses the nearest one: the class name becomes the code, the docstring the title.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

RESERVED = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}
)


@dataclass(frozen=True, slots=True)
class FieldError:
    """Describe one invalid input by JSON pointer (`/items/0/name`) or `?parameter`."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """Something went wrong on our side."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        lines = (cls.__doc__ or cls.code.replace("_", " ").capitalize()).strip().splitlines()
        cls.title = lines[0].rstrip(".")

    def __init__(
        self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        if clash := RESERVED & members.keys():
            raise TypeError(f"reserved members of a problem document: {sorted(clash)}")
        super().__init__(detail or self.title)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


class Malformed(Problem):
    """The request is malformed."""

    status = 400

    def __init__(self, detail: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class InvalidCursor(Malformed):
    """The cursor belongs to another list."""

    def __init__(self) -> None:
        detail = "Start again without a cursor; one is only valid for the list that issued it."
        super().__init__(detail, [FieldError("?cursor", self.code, detail)])


class UnknownParameter(Malformed):
    """The query has a parameter this call does not know."""


class Unauthenticated(Problem):
    """A valid session is required."""

    status = 401

    def __init__(
        self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(
            detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})}, **members
        )


class PaymentRequired(Problem):
    """The plan does not include this."""

    status = 402


class Forbidden(Problem):
    """Your role does not allow this."""

    status = 403


class AccessNotDeclared(Forbidden):
    """This call has not been opened to anyone."""


class NotFound(Problem):
    """There is nothing here for you."""

    status = 404


class MethodNotAllowed(Problem):
    """This address does not answer that method."""

    status = 405


class NotAcceptable(Problem):
    """This API speaks JSON only."""

    status = 406


class Conflict(Problem):
    """The current state does not allow this."""

    status = 409


class LengthRequired(Problem):
    """The request must say how long its body is."""

    status = 411


class ContentTooLarge(Problem):
    """The request body is too large."""

    status = 413


class UnsupportedMediaType(Problem):
    """The request body must be JSON."""

    status = 415


class TooManyRequests(Problem):
    """Too many requests."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after: float, **members: object) -> None:
        seconds = max(1, ceil(retry_after))
        super().__init__(detail, headers={"Retry-After": str(seconds)}, **members)


class Unavailable(Problem):
    """A service we depend on does not answer."""

    status = 503

    def __init__(self, detail: str = "", *, retry_after: int = 5, **members: object) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **members)


def list_problems() -> list[type[Problem]]:
    """Return every Problem class by status and code, as docs/api/errors.md must list them."""
    return sorted({Problem, *_list_subclasses(Problem)}, key=lambda kind: (kind.status, kind.code))


def _list_subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _list_subclasses(child)
