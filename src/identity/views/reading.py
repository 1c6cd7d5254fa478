"""Reading a body with one serializer, the same way everywhere."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer


def body(request: Request, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
    """The validated body. Raises DRF's ValidationError, answered as 400 with every field's error."""
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    fields: dict[str, Any] = read.validated_data
    return fields
