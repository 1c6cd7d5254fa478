"""One renderer for every refusal (RFC 9457): DRF's exceptions, Django's, ours and the unexpected."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from kit import errors, ids, json_api
from kit.errors import FieldError, Problem

MEDIA_TYPE: Final = "application/problem+json"
ERRORS_SHOWN: Final = 50
DETAIL_LIMIT: Final = 500  # of one field: some repeat the value, however long

log = structlog.get_logger(__name__)


def handle(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's exception handler: whatever was raised in a view, as a problem document."""
    request: HttpRequest = context["request"]._request  # noqa: SLF001 - as Django knows it
    problem = of(exc)
    if problem is None or isinstance(exc, OperationalError | InterfaceError):
        # Told to error reporters and to the test client, and logged once, here.
        got_request_exception.send(sender=None, request=request)
        log.error("request_failed", exc_info=exc)
    set_rollback()
    return render(problem or Problem(), request)


def of(exc: Exception) -> Problem | None:
    """The problem that says what `exc` means to a caller; None if it is our fault."""
    match exc:
        case Problem():
            return exc if exc.status != Problem.status else None
        case exceptions.APIException():
            return _of_drf(exc)
        case Http404():
            return errors.NotFound()
        case PermissionDenied():
            return errors.Forbidden()
        case RequestDataTooBig():
            return errors.ContentTooLarge()
        case TooManyFieldsSent():
            return errors.Malformed("The query has too many parameters.")
        case SuspiciousOperation() | UnreadablePostError():
            return errors.Malformed()
        case OperationalError() | InterfaceError():
            return errors.Unavailable()
        case _:
            return None


def _of_drf(exc: exceptions.APIException) -> Problem | None:
    match exc:
        case exceptions.ValidationError():
            return errors.Malformed(errors=list(flatten(exc.detail))[:ERRORS_SHOWN])
        case exceptions.ParseError():
            return errors.Malformed(str(exc.detail))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.Unauthenticated()
        case exceptions.PermissionDenied():
            return errors.Forbidden()
        case exceptions.NotFound():
            return errors.NotFound()
        case exceptions.MethodNotAllowed():
            return errors.MethodNotAllowed()
        case exceptions.NotAcceptable():
            return errors.NotAcceptable("Send Accept: application/json.")
        case exceptions.UnsupportedMediaType():
            return errors.UnsupportedMediaType("Send Content-Type: application/json.")
        case exceptions.Throttled():
            return errors.TooManyRequests(retry_after=getattr(exc, "wait", None) or 1)
        case _:
            return None


def document(problem: Problem, request_id: str) -> dict[str, object]:
    """The members of the problem document."""
    body: dict[str, object] = {
        **problem.members,
        "type": f"{settings.PROBLEM_TYPE_BASE}{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or f"{problem.title}.",
        "instance": f"urn:request:{request_id}",
        "code": problem.code,
        "request_id": request_id,
    }
    if isinstance(problem, errors.Malformed):
        body["errors"] = [
            {
                "pointer": error.pointer[:200],
                "code": error.code,
                "detail": error.detail[:DETAIL_LIMIT],
            }
            for error in problem.errors
        ]
    return body


def render(problem: Problem, request: HttpRequest) -> HttpResponse:
    """The document as an answer, which no cache may keep."""
    return HttpResponse(
        json_api.dumps(document(problem, id_of(request))),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=MEDIA_TYPE,
    )


def id_of(request: HttpRequest) -> str:
    """The id the middleware gave this request; a new one where there was no middleware."""
    known: str = getattr(request, "request_id", "") or str(ids.uuid7())
    request.request_id = known  # type: ignore[attr-defined]  # Django's way to carry values
    return known


def flatten(detail: object, pointer: str = "") -> Iterator[FieldError]:
    """DRF's nested errors as a flat list, each with a JSON pointer into the body (RFC 6901)."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from flatten(inner, pointer if own else f"{pointer}/{_escaped(str(key))}")
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from flatten(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield FieldError(pointer, getattr(detail, "code", None) or "invalid", str(detail))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: suspicious hosts, too many fields, broken uploads."""
    return render(of(exception) or errors.Malformed(), request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return render(of(exception) or errors.Forbidden(), request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: no route leads here."""
    return render(of(exception) or errors.NotFound(), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what failed outside DRF."""
    log.error("request_failed", exc_info=sys.exc_info()[1])
    return render(Problem(), request)
