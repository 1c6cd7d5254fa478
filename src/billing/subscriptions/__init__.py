"""Billing as callers see it, one module per resource."""
