"""Mails to customers about payments, access, trials and seats."""
