"""Stand-ins for Stytch and Stripe on loopback, so that everything runs and is tested without keys."""
