"""Receive vendors' webhooks into one log and process each in a job."""
