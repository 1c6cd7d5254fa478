"""Invoices of an organization."""
