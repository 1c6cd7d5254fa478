"""Count the seats of an organization, and keep the ledger of their changes."""
