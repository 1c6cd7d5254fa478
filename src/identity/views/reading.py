"""Reading a body with one serializer, the same way everywhere."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from kit.serializers import StrictSerializer


def body(request: Request, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
    """The validated body. Raises DRF's ValidationError, answered as 400 with every field's error."""
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    fields: dict[str, Any] = read.validated_data
    return fields


def nothing(request: Request) -> None:
    """An empty body, or an empty object. Raises DRF's ValidationError for anything more."""
    body(request, StrictSerializer)
