"""Django's name for where an engine keeps its connection."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError
from django_tenants.postgresql_backend import base
from django_tenants.utils import get_public_schema_name
from psycopg.errors import UndefinedTable

OUTSIDE_A_SCHEMA = (
    "This table is in each organization's schema, and no organization is active. Evaluate the query inside"
    " `with tenancy.routing.activate(organization):`, or run a command with `manage.py tenant_command`."
)


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # ships no types
    """Send `SET search_path` only when the server has another one, which halves statements.

    PostgreSQL 18 reports the path with its answers, also where a rollback has turned it back, so
    nothing is remembered here that could be wrong. Older servers report none and are told each time.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own
        super().__init__(*args, **options)
        self.execute_wrappers.append(explain_missing_table)

    def _handle_search_path(self, cursor: object = None) -> None:
        reported = self.connection.info.parameter_status("search_path")
        if reported != ", ".join(self._get_cursor_search_paths()):
            super()._handle_search_path(cursor)


def explain_missing_table(execute: Callable[..., object], *call: Any) -> object:  # noqa: ANN401 - Django's own
    """Run a statement, and add to the error what to do when it lacks an organization's table."""
    try:
        return execute(*call)
    except ProgrammingError as error:
        schema_name = call[-1]["connection"].schema_name
        if schema_name == get_public_schema_name() and _names_tenant_table(error.__cause__):
            error.add_note(OUTSIDE_A_SCHEMA)
        raise


def _names_tenant_table(error: BaseException | None) -> bool:
    if not isinstance(error, UndefinedTable):
        return False
    configs = (config for config in apps.get_app_configs() if config.name in settings.TENANT_APPS)
    tables = (model._meta.db_table for config in configs for model in config.get_models())  # noqa: SLF001 - public by use
    return any(f'"{table}"' in str(error) for table in tables)
