"""Load Stripe's schemas once, which check the parameters and every answer."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

type Schema = dict[str, Any]

HERE = Path(__file__).parent / "schemas"
API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Endpoint:
    """Describe one call of the SDK with its path, parameters and answer."""

    name: str
    method: str
    path: str
    params: str
    returns: dict[str, str]


def load_schema_file(name: str) -> dict[str, Any]:
    """Return one of the shipped schema files."""
    document: dict[str, Any] = json.loads((HERE / name).read_text())
    return document


@cache
def load_object_schemas() -> dict[str, Schema]:
    """Return the schema of every object by its name."""
    definitions: dict[str, Schema] = load_schema_file("objects.json")["$defs"]
    return definitions


@cache
def load_parameter_schemas() -> dict[str, Schema]:
    """Return the schema of every parameter set by its name."""
    definitions: dict[str, Schema] = load_schema_file("params.json")["$defs"]
    return definitions


@cache
def load_endpoints() -> tuple[Endpoint, ...]:
    """Return every call that the sandbox's schemas describe."""
    return tuple(
        Endpoint(name=name, **row) for name, row in load_schema_file("endpoints.json").items()
    )


@cache
def build_validator(name: str) -> Draft202012Validator:
    """Return the compiled validator of one object."""
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": load_object_schemas()})


def find_faults(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with an answer, by its schema first and then by unknown fields.

    A JSON Schema accepts unknown fields. A field that Stripe removed, such as the period on a subscription,
    would stay unnoticed and the product could come to depend on it.
    """
    if document.get("object") == "list":
        return [fault for entry in document["data"] for fault in find_faults(entry)]
    name = str(document["object"])
    if document.get("deleted"):
        name = f"deleted_{name}"
    wrong = [
        f"{e.json_path}: {e.message[:200]}" for e in build_validator(name).iter_errors(document)
    ]
    return wrong + find_unknown_fields(load_object_schemas()[name], document, path=name)


def check_answer(document: dict[str, Any]) -> None:
    """Refuse to send an answer that Stripe would not send.

    Raises:
        ValueError: The sandbox built a wrong answer, which is never the caller's fault.
    """
    if wrong := find_faults(document):
        raise ValueError("; ".join(wrong[:10]))


def find_unknown_fields(schema: Schema, value: Any, *, path: str) -> list[str]:  # noqa: ANN401  any JSON
    """Return the paths of fields that the schema does not contain, at any depth."""
    if isinstance(value, list):
        inner = resolve_schema(schema, value).get("items", {})
        return [
            s
            for i, entry in enumerate(value)
            for s in find_unknown_fields(inner, entry, path=f"{path}[{i}]")
        ]
    if not isinstance(value, dict):
        return []
    known = resolve_schema(schema, value)
    fields = known.get("properties")
    if fields is None:
        return []
    return [
        unknown_path
        for name, entry in value.items()
        for unknown_path in (
            find_unknown_fields(fields[name], entry, path=f"{path}.{name}")
            if name in fields
            else [f"{path}.{name}: not a field of this API version"]
        )
    ]


def resolve_schema(schema: Schema, value: Any) -> Schema:  # noqa: ANN401  any JSON
    """Return the branch that describes this value, with references resolved."""
    if "$ref" in schema:
        return resolve_schema(load_object_schemas()[schema["$ref"].removeprefix("#/$defs/")], value)
    branches = schema.get("anyOf", schema.get("allOf"))
    if branches is None:
        return schema
    wanted = "array" if isinstance(value, list) else "object"
    for branch in branches:
        found = resolve_schema(branch, value)
        if found.get("type") == wanted:
            return found
    return {}
