"""Decode the form encoding of Stripe's API, such as `items[0][price]=x`, into objects and lists."""

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.protocol.errors import build_parameter_error

type Value = str | list[Value] | dict[str, Value]

KEY = re.compile(r"^(?P<head>[^\[\]]+)(?P<rest>(\[[^\[\]]*\])*)$")
KEY_PART = re.compile(r"\[([^\[\]]*)\]")
LIST_INDEX = re.compile(r"[0-9]{1,4}")
MAX_DEPTH = 12


def decode_form(text: str) -> dict[str, Value]:
    """Return the parameters of a form body or query string, where every leaf is text."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        set_form_leaf(tree, split_form_key(key), value, key=key)
    return {name: convert_indexed_lists(branch) for name, branch in tree.items()}


def split_form_key(key: str) -> list[str]:
    """Split a key such as `a[b][0]` into its parts."""
    match = KEY.match(key)
    if match is None or key.count("[") > MAX_DEPTH:
        raise build_parameter_error(f"Invalid parameter name: {key}", param=key)
    return [match["head"], *KEY_PART.findall(match["rest"])]


def set_form_leaf(tree: dict[str, Any], path: list[str], value: str, *, key: str) -> None:
    """Set one leaf of the tree, where `[]` appends."""
    for part in path[:-1]:
        name = part or str(len(tree))
        branch = tree.setdefault(name, {})
        if not isinstance(branch, dict):
            raise build_parameter_error(f"Parameter {key} is given in two shapes.", param=key)
        tree = branch
    name = path[-1] or str(len(tree))
    if isinstance(tree.get(name), dict):
        raise build_parameter_error(f"Parameter {key} is given in two shapes.", param=key)
    tree[name] = value


def convert_indexed_lists(branch: Any) -> Value:  # noqa: ANN401  a tree in the making
    """Turn every object whose keys are all positions into a list, in their order."""
    if not isinstance(branch, dict):
        return str(branch)
    settled = {name: convert_indexed_lists(value) for name, value in branch.items()}
    if settled and all(LIST_INDEX.fullmatch(name) for name in settled):
        return [settled[name] for name in sorted(settled, key=int)]
    return settled
