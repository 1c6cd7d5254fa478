"""Lock out password guessing at the admin, per account with client and per client."""

from typing import Any, Final

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kit.addresses import fold_email, get_client_network
from kit.middleware import get_client_ip

# Wrong passwords one client address may send for all accounts together, within the cool-off time.
CLIENT_FAILURE_LIMIT: Final = 30
UNKNOWN_ADDRESS: Final = "::"
MAX_USERNAME_CHARACTERS: Final = 255  # the column's; lower case may be longer than what was typed


class LockoutHandler(AxesDatabaseHandler):  # type: ignore[misc]  # axes ships no types
    """Add a limit per client address to that per account and client.

    There is none per account alone: it would let anyone keep a member of staff out.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures to compare with AXES_FAILURE_LIMIT."""
        failures: int = super().get_failures(request, credentials)
        if _count_of_client(request) >= CLIENT_FAILURE_LIMIT:
            return max(failures, settings.AXES_FAILURE_LIMIT)
        return failures


def get_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """Return the account name of a sign-in in lower case, as the look-up ignores case."""
    name = (credentials or {}).get("username") or request.POST.get("username")
    return fold_email(name)[:MAX_USERNAME_CHARACTERS] if name else None


def render_lockout(
    request: HttpRequest, _refused: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """Render what to do after too many wrong passwords."""
    context = admin.site.each_context(request) | {
        "title": "Signing in is locked",
        "username": get_client_username(request, credentials) or "",
        "attempts": settings.AXES_FAILURE_LIMIT,
    }
    return render(request, "kit/locked_out.html", context, status=429)


def get_client_address(request: HttpRequest) -> str:
    """Return the client's address for axes, which finds no attempts without one."""
    return get_client_ip(request) or UNKNOWN_ADDRESS


def _count_of_client(request: HttpRequest) -> int:
    client = get_client_network(get_client_address(request))
    recent = AccessAttempt.objects.filter(
        ip_address__gte=str(client[0]),
        ip_address__lte=str(client[-1]),
        attempt_time__gte=get_cool_off_threshold(request),
    )
    return recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0
