"""Subscriptions.

The replica, checkout, and changes.
"""
