"""Bring our rows up to date with what the directory says."""
