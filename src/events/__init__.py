"""The append-only log of one organization: its audit trail and the source of outbound webhooks."""
