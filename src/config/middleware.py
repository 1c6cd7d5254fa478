"""Set the content security policy of the admin, which differs from the rest of the site."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csp import csp_override

from config.admin_site import CONTENT_SECURITY_POLICY


def staff_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Allow below /admin/ what its scripts need, and nowhere else."""
    loosened = csp_override(settings.SECURE_CSP | CONTENT_SECURITY_POLICY)(get_response)

    def answer(request: HttpRequest) -> HttpResponseBase:
        return (loosened if request.path.startswith("/admin/") else get_response)(request)

    return answer
