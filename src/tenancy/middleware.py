"""The guarantee that every request starts and ends in the public schema."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tenancy import routing


class ResetSchemaMiddleware:
    """Return to the public schema after each request, because threads outlive requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request between two resets."""
        with routing.public():
            return self.get_response(request)
