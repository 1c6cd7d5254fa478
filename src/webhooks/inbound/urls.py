"""Where vendors post: /webhooks/{source}, outside the versioned API."""

from django.urls import path

from webhooks.inbound import views

urlpatterns = [path("<slug:source>", views.receive, name="inbound")]
