"""Append-only audit log of an organization, and the source of outbound webhooks."""
