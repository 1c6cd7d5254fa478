"""Django's name for where an engine keeps its connection."""

from django_tenants.postgresql_backend import base


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # ships no types
    """Send `SET search_path` only when the server has another one, which halves statements.

    PostgreSQL 18 reports the path with its answers, also where a rollback has turned it back, so
    nothing is remembered here that could be wrong. Older servers report none and are told each time.
    """

    def _handle_search_path(self, cursor: object = None) -> None:
        reported = self.connection.info.parameter_status("search_path")
        if reported != ", ".join(self._get_cursor_search_paths()):
            super()._handle_search_path(cursor)
