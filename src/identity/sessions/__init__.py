"""Sessions: verify a token, sign in, refresh, revoke."""
