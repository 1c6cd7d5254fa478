"""Plans, subscriptions, and seats equal to the members who must be paid for."""
