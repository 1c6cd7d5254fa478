"""Webhooks: what vendors tell us (inbound) and what we tell customers (clients, outbound)."""
