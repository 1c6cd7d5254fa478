"""How the OpenAPI document names and describes what this app serves. Plain values only."""

ENUM_NAMES = {"OrganizationState": "tenancy.models.Organization.State"}
