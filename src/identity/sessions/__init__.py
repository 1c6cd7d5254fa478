"""Verify tokens, sign in, and refresh, switch and revoke sessions."""
