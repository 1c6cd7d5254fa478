"""Billing's HTTP half, one module per resource: parse, call one service, render."""
