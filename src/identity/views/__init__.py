"""The views of identity."""
