"""Services of the inbound log to receive, process, replay and delete events."""
