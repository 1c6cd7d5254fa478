"""Stand in for Stripe's seat billing, on the API version the product pins."""

from sandbox.stripe.api_routes import routes
from sandbox.stripe.control import control
from sandbox.stripe.pages.page_routes import pages
from sandbox.stripe.renewals import advance

__all__ = ["advance", "control", "pages", "routes"]
