"""Stand in for Stripe's seat billing, on the API version the product pins."""

from sandbox.stripe.control import control
from sandbox.stripe.pages import pages
from sandbox.stripe.renewals import advance
from sandbox.stripe.wire import routes

__all__ = ["advance", "control", "pages", "routes"]
