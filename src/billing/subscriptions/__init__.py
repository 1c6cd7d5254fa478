"""Subscriptions: the replica, checkout, and changes."""
