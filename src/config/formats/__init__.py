"""Formats of dates in pages for people."""
