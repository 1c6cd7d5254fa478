"""Route the pages for the checkout, the customer portal and invoices."""

from functools import partial

from starlette.routing import BaseRoute, Route

from sandbox.stripe.pages import checkout_page, invoice_page, portal_page
from sandbox.world import World


def build_stripe_page_routes(world: World) -> list[BaseRoute]:
    """Return the routes of the Stripe pages."""
    return [
        Route("/checkout/{id}", partial(checkout_page.show_checkout_page, world), methods=["GET"]),
        Route(
            "/checkout/{id}", partial(checkout_page.submit_checkout_page, world), methods=["POST"]
        ),
        Route("/portal/{id}", partial(portal_page.show_portal_page, world), methods=["GET"]),
        Route("/portal/{id}", partial(portal_page.submit_portal_page, world), methods=["POST"]),
        Route("/invoices/{id}", partial(invoice_page.show_invoice_page, world), methods=["GET"]),
        Route("/invoices/{id}", partial(invoice_page.submit_invoice_page, world), methods=["POST"]),
        Route("/invoices/{id}/pdf", partial(invoice_page.show_invoice_pdf, world), methods=["GET"]),
    ]
