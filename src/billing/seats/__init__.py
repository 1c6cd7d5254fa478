"""Seats: who counts, what is billed, how it came about."""
