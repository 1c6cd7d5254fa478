"""Stytch as a directory: its SDK, its errors, its webhooks."""
