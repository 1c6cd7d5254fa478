"""The admin site, which opens to staff whose session has shown a second factor."""

from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, reverse
from unfold.sites import UnfoldAdminSite

from kit.staff import views


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold ships no types
    """Refuse every page but the sign-in until password and second factor are shown."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the session may open the pages of this site."""
        if not views.is_staff(request):
            return False
        return not settings.STAFF_SECOND_FACTOR or views.is_verified(request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the password, or for the second factor once the password was right."""
        if views.is_staff(request) and not self.has_permission(request):
            target = reverse("admin:second_factor")
            if following := request.GET.get("next"):
                target = f"{target}?{urlencode({'next': following})}"
            return HttpResponseRedirect(target)
        return cast("HttpResponse", super().login(request, extra_context))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return the pages of the second factor before those of the models."""
        own: list[URLResolver | URLPattern] = [
            path("second-factor/", views.verify, name="second_factor"),
            path("second-factor/enrol/", views.enrol, name="second_factor_enrol"),
            path(
                "second-factor/recovery-codes/",
                self.admin_view(views.replace_recovery_codes),
                name="recovery_codes",
            ),
            path("second-factor/leave/", views.leave, name="second_factor_leave"),
        ]
        return [*own, *super().get_urls()]
