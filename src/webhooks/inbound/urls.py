"""Route of vendors' webhooks at /webhooks/{source}, outside the versioned API."""

from django.urls import path

from webhooks.inbound import views

urlpatterns = [path("<slug:source>", views.receive_webhook, name="inbound")]
