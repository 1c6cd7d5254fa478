"""What an organization may use: features, limits, overrides."""
