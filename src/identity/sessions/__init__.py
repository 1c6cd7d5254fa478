"""Session tokens, verified here: no call to Stytch, and none at all for a bad token."""
