"""Routes outside /v1 for the page at /, health, the OpenAPI document and its pages."""

from django.urls import path

from kit import health
from kit.home import home
from kit.openapi import pages

urlpatterns = [
    path("", home),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("openapi.json", pages.Contract.as_view(), name="openapi"),
    path("docs/errors", pages.errors_page),
    path("docs", pages.Docs.as_view(), name="docs"),
]
