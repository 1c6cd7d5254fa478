"""Billing: plans, subscriptions, and seats whose number always equals the members to pay for."""
