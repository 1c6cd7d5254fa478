"""What DRF and drf-spectacular are told, as plain values that settings may import."""

from typing import Any, Final

REST: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_FILTER_BACKENDS": ["kit.filters.StrictFilterBackend"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": "kit.pagination.KeysetPagination",
    "DEFAULT_PARSER_CLASSES": ["kit.wire.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["kit.wire.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "kit.openapi.Schema",
    "DEFAULT_THROTTLE_CLASSES": [],
    "EXCEPTION_HANDLER": "kit.problems.handle",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["kit.wire.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
