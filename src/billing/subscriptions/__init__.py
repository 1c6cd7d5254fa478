"""Replicate subscriptions, open checkouts, and change what was bought."""
