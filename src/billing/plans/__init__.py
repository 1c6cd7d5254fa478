"""Plans, prices and features as they are sold."""
