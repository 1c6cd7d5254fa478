"""Settings of DRF and drf-spectacular as plain values."""

from typing import Any, Final

REST: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "kit.json_api.Negotiation",
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_FILTER_BACKENDS": ["kit.filters.StrictFilterBackend"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": "kit.pagination.KeysetPagination",
    "DEFAULT_PARSER_CLASSES": ["kit.json_api.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["kit.json_api.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "kit.openapi.schema.Schema",
    "EXCEPTION_HANDLER": "kit.problems.handle_exception",
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,  # the only form from DRF 3.20 on
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["kit.json_api.JSONRenderer"],
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is an unknown parameter like any other
}

_TEXT: Final = {"type": "string", "maxLength": 2_000}
_MEMBERS: Final[dict[str, Any]] = {
    "type": {**_TEXT, "format": "uri", "description": "Where this kind of problem is explained."},
    "title": {**_TEXT, "description": "The kind of problem, in a few words."},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": {**_TEXT, "description": "What happened this time, and what to do next."},
    "instance": {**_TEXT, "format": "uri", "description": "This very occurrence."},
    "code": {**_TEXT, "description": "Stable; branch on this."},
    "request_id": {**_TEXT, "description": "The same as in the X-Request-Id header."},
}
_FIELD_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            **_TEXT,
            "description": "A JSON pointer into the body, or `?name` of a query parameter.",
        },
        "code": {**_TEXT, "description": "Stable; branch on this."},
        "detail": {**_TEXT, "description": "What is wrong with it."},
    },
}


def _build_example(status: int, code: str, title: str) -> dict[str, Any]:
    request_id = "0192f8a0-4c1e-7a53-9a57-3f1b8c2d4e6f"
    return {
        "type": f"https://api.example.com/docs/errors#{code}",
        "title": title,
        "status": status,
        "detail": f"{title}.",
        "instance": f"urn:request:{request_id}",
        "code": code,
        "request_id": request_id,
    }


_ERROR: Final = {"pointer": "/email", "code": "invalid", "detail": "Enter a valid email address."}
_COMPONENTS: Final[dict[str, Any]] = {
    "schemas": {
        "Problem": {
            "type": "object",
            "description": "RFC 9457; some codes add members of their own.",
            "required": list(_MEMBERS),
            "properties": _MEMBERS,
        },
        "FieldError": _FIELD_ERROR,
        "ValidationProblem": {
            "type": "object",
            "description": "A problem which says what is wrong with each field.",
            "required": [*_MEMBERS, "errors"],
            "properties": {
                **_MEMBERS,
                "errors": {
                    "type": "array",
                    "maxItems": 50,
                    "items": {"$ref": "#/components/schemas/FieldError"},
                },
            },
        },
    },
    "responses": {
        "Problem": {
            "description": "The call was refused.",
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": _build_example(404, "not_found", "There is nothing here for you"),
                }
            },
        },
        "ValidationProblem": {
            "description": "The request is malformed.",
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ValidationProblem"},
                    "example": {
                        **_build_example(400, "malformed", "The request is malformed"),
                        "errors": [_ERROR],
                    },
                }
            },
        },
    },
    "securitySchemes": {
        "session": {
            "type": "http",
            "scheme": "bearer",
            "description": "The `session_jwt` of a session. It is valid for five minutes.",
        }
    },
}

DESCRIPTION: Final = """\
Organizations, members, seats, billing and webhooks of a business application.

**Get a token first.** Every call that shows a padlock needs one:

1. `POST /v1/auth/magic-links {email}` mails a link; its `token` goes to `POST /v1/auth/discovery`, which returns an
   `intermediate_session_token` and the organizations that the person may enter.
2. `POST /v1/auth/sessions` enters one of them, `POST /v1/auth/organizations` creates one. Both return a session.
3. Send its `session_jwt` as `Authorization: Bearer <session_jwt>` (here: *Authorize*). It is valid for five minutes.
4. After a 401, `POST /v1/auth/sessions/refresh {session_token}` returns the next `session_jwt`.

Every refusal is a problem document with a stable `code`: [all codes, and what to do](/docs/errors).
"""

SPECTACULAR: Final[dict[str, Any]] = {
    "TITLE": "Tenantry",
    "DESCRIPTION": DESCRIPTION,
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "http://127.0.0.1:8000", "description": "Development"}],
    "SCHEMA_PATH_PREFIX": "/v1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # labels only repeat the values
    "APPEND_COMPONENTS": _COMPONENTS,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "kit.openapi.schema.attach_problems",
        "kit.openapi.schema.refuse_duplicates",
        "kit.openapi.schema.list_tags",
    ],
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayRequestDuration": True,
        "docExpansion": "none",  # the groups first: a page of headings, not of eighty bars
        "defaultModelsExpandDepth": -1,  # each operation shows its own
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
