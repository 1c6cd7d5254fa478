"""Render exceptions of DRF, Django and our own as problem documents (RFC 9457)."""

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
MAX_ERRORS_SHOWN: Final = 50
MAX_DETAIL_LENGTH: Final = 500  # of one field: some repeat the value, however long

log = structlog.get_logger(__name__)


def handle_exception(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Return a problem document for any exception of a view (DRF's exception handler)."""
    request: HttpRequest = context["request"]._request  # noqa: SLF001 - as Django knows it
    problem = find_problem(exc)
    if problem is None or isinstance(exc, OperationalError | InterfaceError):
        # Told to error reporters and to the test client, and logged once, here.
        got_request_exception.send(sender=None, request=request)
        log.error("request_failed", exc_info=exc)
    set_rollback()
    return render_problem(problem or Problem(), request)


def find_problem(exc: Exception) -> Problem | None:
    """Return the problem that describes `exc` to a caller, or None if it is our fault."""
    match exc:
        case Problem():
            return exc if exc.status != Problem.status else None
        case exceptions.APIException():
            return _translate_drf(exc)
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


def _translate_drf(exc: exceptions.APIException) -> Problem | None:
    match exc:
        case exceptions.ValidationError():
            return errors.Malformed(errors=list(flatten_errors(exc.detail))[:MAX_ERRORS_SHOWN])
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


def build_document_members(problem: Problem, request_id: str) -> dict[str, object]:
    """Return the members of the problem document."""
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
                "detail": error.detail[:MAX_DETAIL_LENGTH],
            }
            for error in problem.errors
        ]
    return body


def render_problem(problem: Problem, request: HttpRequest) -> HttpResponse:
    """Return the document as a response that no cache may keep."""
    return HttpResponse(
        json_api.dump_json(build_document_members(problem, get_request_id(request))),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=MEDIA_TYPE,
    )


def get_request_id(request: HttpRequest) -> str:
    """Return the request's id, or a new one where the middleware did not run."""
    known: str = getattr(request, "request_id", "") or str(ids.uuid7())
    request.request_id = known  # type: ignore[attr-defined]  # Django's way to carry values
    return known


def flatten_errors(detail: object, pointer: str = "") -> Iterator[FieldError]:
    """Flatten DRF's nested errors into a list with JSON pointers into the body (RFC 6901)."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from flatten_errors(
                inner, pointer if own else f"{pointer}/{_escape_pointer(str(key))}"
            )
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from flatten_errors(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield FieldError(pointer, getattr(detail, "code", None) or "invalid", str(detail))


def _escape_pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Render Django's 400 for suspicious hosts, too many fields or broken uploads."""
    return render_problem(find_problem(exception) or errors.Malformed(), request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Render Django's 403."""
    return render_problem(find_problem(exception) or errors.Forbidden(), request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Render Django's 404 for a path without a route."""
    return render_problem(find_problem(exception) or errors.NotFound(), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Render Django's 500 for failures outside DRF."""
    log.error("request_failed", exc_info=sys.exc_info()[1])
    return render_problem(Problem(), request)
