"""Send the seat count to the payment provider, and reconcile the two."""
