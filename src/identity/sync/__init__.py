"""Bring our rows up to date with the directory's snapshots."""
