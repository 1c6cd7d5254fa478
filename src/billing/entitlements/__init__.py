"""What an organization may use, by plan, limit and override."""
