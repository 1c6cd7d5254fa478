"""Stytch as a directory, with its SDK, its errors and its webhooks."""
