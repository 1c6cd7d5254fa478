"""View of POST /webhooks/{source}, which only stores the event."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from kit import problems
from kit.errors import MethodNotAllowed, Problem
from webhooks.inbound.services import receive as services_receive


@csrf_exempt
def receive_webhook(request: HttpRequest, source: str) -> HttpResponse:
    """Answer 200 once the event is stored, whether or not it is new or of interest.

    A plain view: signatures cover the raw body, and a vendor has no session, role or organization.
    """
    try:
        if request.method != "POST":
            raise MethodNotAllowed(headers={"Allow": "POST"})
        services_receive.receive_event(
            source=source,
            body=request.body,
            headers=request.headers,
            media_type=request.content_type or "",
        )
    except Problem as problem:
        return problems.render_problem(problem, request)
    return JsonResponse({"received": True})
