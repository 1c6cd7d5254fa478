"""Every route of the product, with one include per app below `/v1/`."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from kit import problems

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("kit.urls")),
    path("webhooks/", include("webhooks.inbound.urls")),
    path("v1/", include("events.urls")),
    path("v1/", include("identity.urls")),
    path("v1/", include("billing.urls")),
    path("admin/", admin.site.urls),
]

handler400 = problems.bad_request
handler403 = problems.forbidden
handler404 = problems.not_found
handler500 = problems.server_error
