"""Define the base classes of all problems a caller may get, rendered by kit.problems.

Problem                       500 internal_error
├── Malformed                 400 malformed: errors[] says which field, and why
│   ├── InvalidCursor             invalid_cursor
│   ├── RedirectNotAllowed        redirect_not_allowed
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

A slice subclasses the nearest one. The class name becomes the code, the docstring's first line the title and
its second paragraph the advice, which the page of problems shows.
"""

import inspect
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
    advice: ClassVar[str] = (
        "A mistake of ours: report it with the `request_id`. Reading may be repeated."
    )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        text = inspect.cleandoc(cls.__doc__ or cls.code.replace("_", " ").capitalize())
        title, *paragraphs = text.split("\n\n")
        cls.title = title.rstrip(".")
        if paragraphs:
            cls.advice = " ".join(paragraphs[0].split())

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
    """The request is malformed.

    Correct what `errors` points at. An unknown field is wrong, too: `unknown_field`.
    """

    status = 400

    def __init__(self, detail: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class InvalidCursor(Malformed):
    """The cursor belongs to another list.

    Start again without a cursor: one is good for its own list, filters and ordering only.
    """

    def __init__(self) -> None:
        detail = "Start again without a cursor; one is only valid for the list that issued it."
        super().__init__(detail, [FieldError("?cursor", self.code, detail)])


class RedirectNotAllowed(Malformed):
    """The browser may not be sent there.

    Use an absolute URL of one of the configured front-end origins.
    """

    def __init__(self, pointer: str) -> None:
        detail = "Use an absolute URL of one of the configured front-end origins."
        super().__init__(detail, [FieldError(pointer, self.code, detail)])


class UnknownParameter(Malformed):
    """The query has a parameter this call does not know.

    Leave it out; `detail` lists those the call knows.
    """


class Unauthenticated(Problem):
    """A valid session is required.

    Send `Authorization: Bearer <session JWT>`.
    """

    status = 401

    def __init__(
        self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(
            detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})}, **members
        )


class PaymentRequired(Problem):
    """The plan does not include this.

    Offer a plan that includes it.
    """

    status = 402


class Forbidden(Problem):
    """Your role does not allow this.

    Hide the action; `permission` names what is missing (`GET …/permissions` shows who has it).
    """

    status = 403


class AccessNotDeclared(Forbidden):
    """This call has not been opened to anyone.

    A mistake of ours: report it with the `request_id`.
    """


class NotFound(Problem):
    """There is nothing here for you.

    Check the address. What belongs to another organization answers exactly like what does not
    exist.
    """

    status = 404


class MethodNotAllowed(Problem):
    """This address does not answer that method.

    Use one of those in the `Allow` header.
    """

    status = 405


class NotAcceptable(Problem):
    """This API speaks JSON only.

    Send `Accept: application/json`, or none.
    """

    status = 406


class Conflict(Problem):
    """The current state does not allow this.

    Read the object again and show what has changed.
    """

    status = 409


class LengthRequired(Problem):
    """The request must say how long its body is.

    Send a `Content-Length`; chunked bodies are not read.
    """

    status = 411


class ContentTooLarge(Problem):
    """The request body is too large.

    Send less: `detail` says how much is read.
    """

    status = 413


class UnsupportedMediaType(Problem):
    """The request body must be JSON.

    Send `Content-Type: application/json`.
    """

    status = 415


class TooManyRequests(Problem):
    """Too many requests.

    Wait as many seconds as `Retry-After` says.
    """

    status = 429

    def __init__(self, detail: str = "", *, retry_after: float, **members: object) -> None:
        seconds = max(1, ceil(retry_after))
        super().__init__(detail, headers={"Retry-After": str(seconds)}, **members)


class Unavailable(Problem):
    """A service we depend on does not answer.

    Wait as many seconds as `Retry-After` says, then repeat.
    """

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
