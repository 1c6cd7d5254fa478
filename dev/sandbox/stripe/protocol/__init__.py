"""Decode requests, dispatch them, keep objects and events, and answer the way Stripe does."""
