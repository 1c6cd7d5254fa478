"""Explain to staff where an organization's billing differs from the provider, and repair it."""
