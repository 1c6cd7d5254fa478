"""The migrations of `events`, and more: what a team adds to the organizations' schemas."""
