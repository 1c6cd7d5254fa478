"""The billing profile of an organization and its customer at the provider."""
