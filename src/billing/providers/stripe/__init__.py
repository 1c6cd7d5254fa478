"""Stripe as a payment provider: its SDK, its errors, its webhooks."""
