"""The routes of billing.

Plans are public, the rest is under an organization.
"""

from django.urls import path

from billing.context.views import SubscriptionContextView
from billing.customers.views import ProfileView
from billing.entitlements.views import FeaturesView, FeatureView
from billing.invoices.views import InvoiceViewSet
from billing.plans.views import PlanViewSet
from billing.seats.views import SeatHistoryViewSet, SeatPreviewView, SeatsView, SeatSyncView
from billing.subscriptions.views import (
    CancelView,
    ChangePreviewView,
    ChangeView,
    CheckoutView,
    PortalView,
    ResumeView,
    SubscriptionView,
)

ORGANIZATION = "organizations/<reference:slug>/"
BILLING = f"{ORGANIZATION}billing/"

urlpatterns = [
    path("plans", PlanViewSet.as_view({"get": "list"})),
    path(f"{BILLING}profile", ProfileView.as_view()),
    path(f"{BILLING}subscription", SubscriptionView.as_view()),
    path(f"{BILLING}subscription/cancel", CancelView.as_view()),
    path(f"{BILLING}subscription/resume", ResumeView.as_view()),
    path(f"{BILLING}subscription/change", ChangeView.as_view()),
    path(f"{BILLING}subscription/preview", ChangePreviewView.as_view()),
    path(f"{BILLING}checkout", CheckoutView.as_view()),
    path(f"{BILLING}portal", PortalView.as_view()),
    path(f"{BILLING}seats", SeatsView.as_view()),
    path(f"{BILLING}seats/preview", SeatPreviewView.as_view()),
    path(f"{BILLING}seats/sync", SeatSyncView.as_view()),
    path(f"{BILLING}seats/history", SeatHistoryViewSet.as_view({"get": "list"})),
    path(f"{BILLING}invoices", InvoiceViewSet.as_view({"get": "list"})),
    path(f"{ORGANIZATION}features", FeaturesView.as_view()),
    path(f"{ORGANIZATION}features/<slug:feature_key>", FeatureView.as_view()),
    path(f"{ORGANIZATION}subscription-context", SubscriptionContextView.as_view()),
]
