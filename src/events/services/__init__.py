"""What writes the log: nothing but `log.record`."""
