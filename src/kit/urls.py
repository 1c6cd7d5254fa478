"""Addresses outside /v1: health for machines, the contract for people and generators."""

from django.urls import path

from kit import health

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
