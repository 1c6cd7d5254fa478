"""Addresses outside /v1: health for machines, the contract for generators and people."""

from django.urls import path

from kit import contract, health

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("openapi.json", contract.Contract.as_view(), name="openapi"),
    path("docs/errors", contract.errors_page),
    path("docs", contract.Docs.as_view(), name="docs"),
]
