"""Webhooks received from vendors (inbound)."""
