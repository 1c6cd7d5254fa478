"""How pages for people write what is no text: dates, for now."""
