"""Seats.

Who counts, what is billed, and how it came about.
"""
