"""The contract names the refusals that an operation declares, by status and code."""

import pytest

from tests.harness.contract import operations


@pytest.mark.parametrize(
    ("operation", "status", "codes"),
    [
        ("auth_check_totp", "401", ["invalid_sign_in", "invalid_second_factor"]),
        ("auth_check_totp", "429", ["sign_in_locked", "too_many_requests"]),
        ("auth_create_session", "409", ["mfa_required", "another_factor_required"]),
        ("auth_sign_in_by_sso", "409", ["joining_not_allowed"]),
        ("auth_switch_session", "409", ["mfa_required"]),
    ],
)
def test_operation_names_its_refusals(operation, status, codes):
    document = next(one.document for one in operations() if one.id == operation)

    response = document["responses"][status]

    assert all(f"`{code}`: " in response["description"] for code in codes)
    assert "application/problem+json" in response["content"]
