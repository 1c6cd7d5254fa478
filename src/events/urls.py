"""The audit trail, under an organization."""

from django.urls import path

from events.views import EventTypesView, EventViewSet

ORGANIZATION = "organizations/<reference:slug>/"

urlpatterns = [
    path(f"{ORGANIZATION}events", EventViewSet.as_view({"get": "list"})),
    path(f"{ORGANIZATION}events/<uuid:id>", EventViewSet.as_view({"get": "retrieve"})),
    path(f"{ORGANIZATION}event-types", EventTypesView.as_view()),
]
