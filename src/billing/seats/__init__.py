"""What changes billing: one verb per call, each one transaction, Stripe only between two of them."""
