"""Convert decoded form text to typed parameters and refuse what Stripe would refuse."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.stripe.protocol.errors import StripeError, build_absent_error, build_parameter_error
from sandbox.stripe.protocol.form_encoding import Value
from sandbox.stripe.protocol.schemas import Schema, load_parameter_schemas

INTEGER = re.compile(r"-?[0-9]{1,15}")
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")


def coerce_parameters(name: str, given: dict[str, Value]) -> dict[str, Any]:
    """Return the parameters of one set with the types its schema requires."""
    return convert_object(load_parameter_schemas()[name], given, "")


def convert_parameter(schema: Schema, value: Value, path: str) -> Any:  # noqa: ANN401  any JSON
    """Return one value typed by its schema."""
    if "anyOf" in schema:
        return convert_branches(schema["anyOf"], value, path)
    if "enum" in schema:
        return convert_enum(schema, value, path)
    reader = CONVERTERS.get(schema.get("type", ""))
    # A trimmed branch of the schema has no type: it passes as it came.
    return value if reader is None else reader(schema, value, path)


def convert_branches(branches: list[Schema], value: Value, path: str) -> Any:  # noqa: ANN401
    """Return the value by the first branch that accepts it, or raise the most specific refusal."""
    refusals: list[tuple[bool, StripeError]] = []
    for branch in branches:
        try:
            return convert_parameter(branch, value, path)
        except StripeError as refusal:
            refusals.append((branch.get("type") == name_json_type(value), refusal))
    fitting = [refusal for fits, refusal in refusals if fits]
    raise fitting[0] if fitting else refusals[-1][1]


def name_json_type(value: Value) -> str:
    """Return the JSON type of a decoded object or list, or `text`."""
    return {dict: "object", list: "array"}.get(type(value), "text")


def convert_enum(schema: Schema, value: Value, path: str) -> str:
    """Return one of the listed values."""
    if not isinstance(value, str) or value not in schema["enum"]:
        listed = ", ".join(str(word) for word in schema["enum"][:12])
        raise build_parameter_error(f"Invalid {path}: must be one of {listed}", param=path)
    return value


def convert_object(schema: Schema, value: Value, path: str) -> dict[str, Any]:
    """Return an object, and refuse a field that is not in its schema."""
    if not isinstance(value, dict):
        raise build_parameter_error(
            f"Invalid object: {path}", param=path, code="parameter_invalid_empty"
        )
    fields: dict[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    found: dict[str, Any] = {}
    for name, entry in value.items():
        inner = f"{path}[{name}]" if path else name
        if name not in fields and others is False:
            raise build_parameter_error(
                f"Received unknown parameter: {inner}", param=inner, code="parameter_unknown"
            )
        found[name] = convert_parameter(
            fields.get(name, others if isinstance(others, dict) else {}), entry, inner
        )
    for name in schema.get("required", ()):
        if name not in found:
            inner = f"{path}[{name}]" if path else name
            raise build_absent_error(inner)
    return found


def convert_array(schema: Schema, value: Value, path: str) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise build_parameter_error("Invalid array", param=path)
    inner = schema.get("items", {})
    return [
        convert_parameter(inner, entry, f"{path}[{index}]") for index, entry in enumerate(value)
    ]


def convert_integer(_: Schema, value: Value, path: str) -> int:
    """Return a whole number."""
    if not isinstance(value, str) or not INTEGER.fullmatch(value):
        raise build_parameter_error(
            f"Invalid integer: {value}", param=path, code="parameter_invalid_integer"
        )
    return int(value)


def convert_number(_: Schema, value: Value, path: str) -> float:
    """Return a number."""
    if not isinstance(value, str) or not DECIMAL.fullmatch(value):
        raise build_parameter_error(f"Invalid decimal: {value}", param=path)
    return float(value)


def convert_boolean(_: Schema, value: Value, path: str) -> bool:
    """Return true or false, which are spelled exactly so."""
    if value not in ("true", "false"):
        raise build_parameter_error(f"Invalid boolean: {value}", param=path)
    return value == "true"


def convert_string(schema: Schema, value: Value, path: str) -> str:
    """Return text, which may hold a decimal number."""
    if not isinstance(value, str):
        raise build_parameter_error(
            f"Invalid string: {path}", param=path, code="parameter_invalid_string"
        )
    if schema.get("format") == "decimal":
        convert_number(schema, value, path)
    return value


CONVERTERS: dict[str, Callable[[Schema, Value, str], Any]] = {
    "object": convert_object,
    "array": convert_array,
    "integer": convert_integer,
    "number": convert_number,
    "boolean": convert_boolean,
    "string": convert_string,
}
