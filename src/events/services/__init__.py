"""Services of the audit log, of which only `log.record_event` writes."""
