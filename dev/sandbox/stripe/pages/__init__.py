"""Show the checkout page, the customer portal and the hosted invoices."""
