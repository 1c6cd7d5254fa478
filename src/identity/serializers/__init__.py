"""What identity reads from bodies and writes into answers."""
