"""Serializers that refuse what they do not know, and leave no string, list or number unbounded."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from kit.errors import FieldError, Malformed

type Field = serializers.Field[Any, Any, Any, Any]

MAX_TEXT_LENGTH = 1_000
MAX_LIST_LENGTH = 100
MAX_INTEGER = 2**31 - 1  # what a PostgreSQL integer holds

# DRF reads 5 as text, "5" as a number and "yes" as true; the contract promises one type each.
_JSON_TYPES: tuple[tuple[type[Field], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "Send true or false."),
    (serializers.IntegerField, (int, float), "Send a whole number."),
    (serializers.CharField, (str,), "Send text."),
    (serializers.UUIDField, (str,), "Send text."),
)


# Letters and symbols that show nothing: Hangul fillers and the empty Braille pattern.
_BLANK_CHARACTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def require_visible_text(text: str) -> None:
    """Require a character that can be seen. Raises ValidationError.

    Control and format characters, among them zero-width and bidirectional ones, spaces and
    combining marks show nothing by themselves.
    """
    for character in text:
        if unicodedata.category(character)[0] in "LNPS" and character not in _BLANK_CHARACTERS:
            return
    raise ValidationError("Use at least one visible character.", code="invisible")


class NameField(serializers.CharField):
    """A name of a person or a thing, which can be seen wherever it is shown."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - DRF's own
        super().__init__(**options)
        self.validators.append(require_visible_text)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuse unknown fields and limit the length of every input."""

    def get_fields(self) -> dict[str, Field]:
        """Return the declared fields, each writable one with a limit."""
        fields: dict[str, Field] = super().get_fields()
        for field in fields.values():
            if not field.read_only:
                bound_field(field)
        return fields

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Read the body and report the errors of known and unknown fields together."""
        errors = self._told_apart(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            known = error.detail if isinstance(error.detail, dict) else {}
            raise ValidationError({**errors, **known}) from None
        if errors:
            raise ValidationError(errors)
        return value

    def _told_apart(self, data: Mapping[str, object]) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        for name, value in data.items():
            if name not in self.fields:
                errors[name] = [ErrorDetail("This field does not exist.", "unknown_field")]
            elif self.fields[name].read_only:
                errors[name] = [ErrorDetail("This field cannot be written.", "read_only_field")]
            elif mistyped := _describe_type_error(self.fields[name], value):
                errors[name] = mistyped
        return errors


class WholeListSerializer(StrictSerializer):
    """Serialize a list that always fits on one page in the envelope of every list."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class StrictModelSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """The same, with fields taken from a model."""


def _describe_type_error(field: Field, value: object) -> object:
    """Describe what is wrong with a value's JSON type, or return None.

    Whether null is allowed is decided by the field.
    """
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        found = {index: _describe_type_error(field.child, item) for index, item in enumerate(value)}
        return {index: error for index, error in found.items() if error}
    for kind, types, detail in _JSON_TYPES:
        if isinstance(field, kind) and value is not None and type(value) not in types:
            return [ErrorDetail(detail, "invalid")]
    return None


def bound_field(field: Field) -> None:
    """Give a field that set no limit one, so that no input is endless."""
    if isinstance(field, serializers.IntegerField):
        if field.max_value is None:
            field.validators.append(MaxValueValidator(MAX_INTEGER))
        if field.min_value is None:
            field.validators.append(MinValueValidator(-MAX_INTEGER))
    elif isinstance(field, serializers.CharField):
        if field.max_length is None:
            field.validators.append(MaxLengthValidator(MAX_TEXT_LENGTH))
    elif isinstance(field, serializers.ListSerializer):
        field.max_length = getattr(field, "max_length", None) or MAX_LIST_LENGTH  # type: ignore[attr-defined]  # the stubs lack it
    elif isinstance(field, serializers.ListField):
        if field.max_length is None:
            field.validators.append(MaxLengthValidator(MAX_LIST_LENGTH))
        bound_field(field.child)


def read_body(
    request: Request, serializer: type[serializers.BaseSerializer[Any]]
) -> dict[str, Any]:
    """Return the validated body. Raises DRF's ValidationError, answered as 400 with all errors."""
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    fields: dict[str, Any] = read.validated_data
    return fields


def read_query(
    request: Request, serializer: type[serializers.BaseSerializer[Any]]
) -> dict[str, Any]:
    """Return the validated query. Raises Malformed with the errors of all parameters."""
    read = serializer(data=request.query_params.dict())
    if not read.is_valid():
        found: Mapping[str, list[ErrorDetail]] = dict(read.errors)
        raise Malformed(
            errors=[
                FieldError(f"?{name}", detail.code or "invalid", str(detail))
                for name, details in found.items()
                for detail in details
            ]
        )
    fields: dict[str, Any] = read.validated_data
    return fields


def require_empty_body(request: Request) -> None:
    """Accept an empty body or an empty object. Raises DRF's ValidationError otherwise."""
    read_body(request, StrictSerializer)
