"""The subscription context: one call that tells a front end what to show."""
