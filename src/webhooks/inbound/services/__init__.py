"""What changes the inbound log: receive, process, replay, tidy."""
