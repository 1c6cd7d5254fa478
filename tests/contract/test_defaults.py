"""Defaults of the contract, which generated clients send as they are."""

import pytest
from jsonschema import Draft202012Validator

from kit.openapi import pages


def list_defaults(node, pointer=""):
    """Yield (pointer, schema) of every schema that has a default."""
    if isinstance(node, dict):
        if "default" in node and "responses" not in pointer:
            yield pointer, node
        for name, inner in node.items():
            yield from list_defaults(inner, f"{pointer}/{name}")
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from list_defaults(inner, f"{pointer}/{index}")


DEFAULTS = list(list_defaults(pages.build_document()))


def test_contract_has_defaults():
    assert len(DEFAULTS) > 5


@pytest.mark.parametrize(("pointer", "schema"), DEFAULTS, ids=[pointer for pointer, _ in DEFAULTS])
def test_default_is_a_value_the_api_accepts(pointer, schema):
    Draft202012Validator(schema).validate(schema["default"])


@pytest.mark.parametrize(("pointer", "schema"), DEFAULTS, ids=[pointer for pointer, _ in DEFAULTS])
def test_default_says_something(pointer, schema):
    assert schema["default"] != ""


def test_slug_may_be_left_out_of_a_new_organization():
    new = pages.build_document()["components"]["schemas"]["NewOrganizationRequest"]

    assert new["properties"]["slug"]["minLength"] == 2
    assert "slug" not in new["required"]
