"""The subscription context, one call for what a front end shows."""
