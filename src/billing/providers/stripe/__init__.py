"""Stripe as a payment provider, with its SDK, its errors and its webhooks."""
