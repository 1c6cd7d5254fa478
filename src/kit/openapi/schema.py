"""Generate OpenAPI 3.1 with stable operation ids, one security scheme and shared error bodies.

Operation ids are `{resource}_{verb}` from `resource` on the view; `operation` overrides one (a
string) or some (a mapping from action to id). Enums get their names in SPECTACULAR_SETTINGS:
`ENUM_NAME_OVERRIDES = {"Role": "identity.roles.Role.choices"}`.
"""

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, is_basic_serializer

from kit import access
from kit.errors import Problem
from kit.serializers import StrictSerializer

type Json = dict[str, Any]

OPERATION_VERBS: Final = {
    "partial_update": "update",
    "destroy": "delete",
    "get": "retrieve",
    "post": "create",
    "put": "replace",
    "patch": "update",
}
PATH_PARAMETERS: Final = {
    "slug": "The organization's slug, or its id.",
    "id": "The object's id.",
    "source": "The vendor who calls.",
}


class Schema(AutoSchema):
    """Describe one operation, mostly from what its view declares."""

    def get_operation(  # noqa: PLR0917 - drf-spectacular's own
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Json | None:
        """Return the operation with its security and the data of the error hook."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            asked = access.get_declared_access(self.view, self.view.request)
            operation["security"] = [] if asked == access.PUBLIC else [{"session": []}]
            operation["x-access"] = asked or ""
            operation["x-feature"] = access.get_declared_feature(self.view, self.view.request) or ""
            operation["x-problems"] = getattr(self.view, "problems", ())
            operation["x-rate-limited"] = self._action in getattr(self.view, "rate_limited", ())
        return operation

    def get_operation_id(self) -> str:
        """Return an id such as `members_list`, unless the view sets another."""
        said = getattr(self.view, "operation", None)
        action = self._action
        if isinstance(said, str):
            return said
        if isinstance(said, Mapping) and action in said:
            return str(said[action])
        resource = getattr(self.view, "resource", "")
        return (
            f"{resource}_{OPERATION_VERBS.get(action, action)}"
            if resource
            else super().get_operation_id()
        )

    def get_summary(self) -> str:
        """Return the docstring's first line, or else the operation id as words."""
        if prose := self._prose():
            return prose.splitlines()[0].rstrip(".")
        *resource, verb = self.get_operation_id().split("_")
        return f"{verb.capitalize()} {' '.join(resource)}".strip()

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular does
        """Return the docstring with the permission and feature the call needs."""
        parts = [self._prose() or f"{self.get_summary()}."]
        asked = access.get_declared_access(self.view, self.view.request)
        if asked not in (None, access.PUBLIC, access.SESSION):
            parts.append(f"Requires the permission `{asked}`.")
        if feature := access.get_declared_feature(self.view, self.view.request):
            parts.append(f"Requires the feature `{feature}`.")
        return "\n\n".join(parts)

    def get_tags(self) -> list[str]:
        """Return one tag per resource."""
        tag = getattr(self.view, "tag", "") or getattr(self.view, "resource", "")
        return [tag] if tag else super().get_tags()

    def get_auth(self) -> list[Json]:
        """Return nothing, because `get_operation` derives security from access."""
        return []

    def get_paginated_name(self, serializer_name: str) -> str:
        """Return a component name such as `MemberPage`."""
        return f"{serializer_name}Page"

    def _is_list_view(self, serializer: Any = None) -> bool:  # noqa: ANN401 - many kinds
        if super()._is_list_view(serializer):
            return True
        further = self._action in getattr(self.view, "lists", ()) and self._action != "list"
        return further and is_basic_serializer(serializer or self.get_response_serializers())

    def _resolve_path_parameters(self, variables: list[str]) -> list[Json]:
        said = {**PATH_PARAMETERS, **getattr(self.view, "path_parameters", {})}
        parameters: list[Json] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            name = parameter["name"]
            words = name.removesuffix("_id").replace("_", " ")
            parameter["description"] = said.get(name, f"The {words}'s id.")
            if parameter["schema"] == {"type": "string"}:
                parameter["schema"] = {"type": "string", "maxLength": 128}
        return parameters

    def _map_basic_serializer(self, serializer: object, direction: str) -> Json:
        schema: Json = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and _is_strict(serializer):
            schema["additionalProperties"] = False
        for part in schema.get("properties", {}).values():
            if (
                part.get("default") == ""
            ):  # generated clients would send it, also where it is refused
                del part["default"]
        return schema

    def _insert_field_validators(self, field: object, schema: Json) -> None:
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        # An address or nothing: to a validator that ignores formats, "" is both.
        if schema.get("oneOf", [])[1:] == [{"type": "string", "maxLength": 0}]:
            schema["anyOf"] = schema.pop("oneOf")

    @property
    def _action(self) -> str:
        return access.action_of(self.view, self.view.request)

    def _prose(self) -> str:
        name = self._action
        handler = getattr(self.view, name, None)
        if handler is not None and _is_own_module(handler.__module__) and inspect.getdoc(handler):
            return inspect.getdoc(handler) or ""
        view = type(self.view)
        return inspect.cleandoc(view.__doc__ or "") if _is_own_module(view.__module__) else ""


def _is_strict(serializer: object) -> bool:
    kind = serializer if isinstance(serializer, type) else type(serializer)
    return issubclass(kind, StrictSerializer)


def _is_own_module(module: str) -> bool:
    return not module.startswith(("rest_framework.", "kit.views"))


def attach_problems(result: Json, **_: object) -> Json:
    """Add to every operation the problems that its declarations imply (post-processing hook)."""
    for path, _method, operation in operations(result):
        asked = operation.pop("x-access", "")
        feature = operation.pop("x-feature", "")
        is_rate_limited = operation.pop("x-rate-limited", False)
        named = operation.pop("x-problems", ())
        query = any(parameter["in"] == "query" for parameter in operation.get("parameters", ()))
        responses = operation["responses"]
        for status, response in responses.items():
            if not response.get("description"):
                response["description"] = HTTPStatus(int(status)).phrase
        if "requestBody" in operation or query:
            responses.setdefault("400", {"$ref": "#/components/responses/ValidationProblem"})
        for status, response in _describe_problems(named).items():
            responses.setdefault(status, response)
        refusals = {
            "401": asked != access.PUBLIC,
            "402": bool(feature),
            "403": asked not in (access.PUBLIC, access.SESSION),
            "404": "{" in path,
            "429": is_rate_limited,
            "default": True,
        }
        for status, applies in refusals.items():
            if applies:
                responses.setdefault(status, {"$ref": "#/components/responses/Problem"})
    return result


def _describe_problems(named: Sequence[type[Problem]]) -> Json:
    """Return a response for each status of the named problems, which lists their codes."""
    responses: Json = {}
    for kind in named:
        text = f"`{kind.code}`: {kind.title}."
        response = responses.setdefault(
            str(kind.status),
            {
                "description": "",
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                },
            },
        )
        response["description"] = f"{response['description']} {text}".strip()
    return responses


def refuse_duplicates(result: Json, **_: object) -> Json:
    """Raise if an operation id is used twice, which would break generated clients."""
    counted = Counter(operation["operationId"] for _p, _m, operation in operations(result))
    if repeated := sorted(name for name, times in counted.items() if times > 1):
        raise ValueError(f"operation ids used twice: {', '.join(repeated)}; set `operation`")
    return result


def list_tags(result: Json, **_: object) -> Json:
    """Define every used tag in the order of the settings (post-processing hook)."""
    known = {tag["name"]: tag for tag in result.get("tags", [])}
    used = {tag for _p, _m, operation in operations(result) for tag in operation.get("tags", ())}
    tags_in_use = [tag for name, tag in known.items() if name in used]
    result["tags"] = tags_in_use + [{"name": name} for name in sorted(used - known.keys())]
    return result


def operations(result: Json) -> Iterator[tuple[str, str, Json]]:
    """Return every operation of the document with its path and method."""
    for path, item in result["paths"].items():
        for method, operation in item.items():
            yield path, method, operation
