"""Stand in for Stripe's seat billing, on the API version the product pins."""

from sandbox.stripe.api_routes import build_stripe_routes
from sandbox.stripe.control import build_stripe_control_routes
from sandbox.stripe.pages.page_routes import build_stripe_page_routes
from sandbox.stripe.renewals import run_due_billing

__all__ = [
    "build_stripe_control_routes",
    "build_stripe_page_routes",
    "build_stripe_routes",
    "run_due_billing",
]
