"""Reading a body with one serializer, the same way everywhere."""

from typing import Any

from rest_framework.request import Request

from kit.serializers import StrictSerializer


def body(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """The validated body."""
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    fields: dict[str, Any] = asked.validated_data
    return fields
