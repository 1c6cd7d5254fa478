"""The OpenAPI document: how operations are described, and the pages that show it."""
