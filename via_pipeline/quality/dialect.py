"""The SQLAlchemy dialect through which Great Expectations runs its rules inside DuckDB.

Belongs here: what GX needs to believe that DuckDB is PostgreSQL, and nothing else. GX has no
DuckDB support; under the name ``postgresql`` it takes its PostgreSQL paths, which DuckDB
understands but for three things, put right below; a fourth is there for speed. The module leans on
``duckdb-sqlalchemy``'s private ``_buffer_pending_result``: the version is pinned and every
behaviour has a test.
"""

from __future__ import annotations

from typing import Any

import duckdb
from duckdb_sqlalchemy import ConnectionWrapper, DuckDBCompiler
from duckdb_sqlalchemy import Dialect as DuckDBDialect
from sqlalchemy.dialects import registry
from sqlalchemy.sql.operators import in_op, not_in_op

SCHEME = "viaduckdb"
"""The URL scheme; registered when this module is imported."""


_LONG = 10
"""From so many values on an IN is written as a list."""


class _KeepingConnection(ConnectionWrapper):
    """Keeps the rows of the last query: GX reads them after it gave the connection back."""

    def rollback(self) -> None:
        self._buffer_pending_result()
        super().rollback()

    def close(self) -> None:
        self._buffer_pending_result()
        super().close()


class _Compiler(DuckDBCompiler):
    """PostgreSQL's ``~`` searches; DuckDB's ``~`` is a full match, so it becomes a function."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        if operator.opstring not in {"~", "!~"}:
            return str(super().visit_custom_op_binary(element, operator, **kw))  # type: ignore[no-untyped-call]
        left = self.process(element.left, **kw)
        right = self.process(element.right, **kw)
        search = f"regexp_matches({left}, {right})"
        return f"(NOT {search})" if operator.opstring == "!~" else search

    def visit_binary(
        self, binary: Any, override_operator: Any = None, *more: Any, **kw: Any
    ) -> str:
        """A long IN as a list: outside a WHERE DuckDB compares with its elements one by one."""
        operator = override_operator or binary.operator
        if operator in (in_op, not_in_op) and (found := self._in_list(binary, **kw)):
            return f"(NOT {found})" if operator is not_in_op else found
        return str(super().visit_binary(binary, override_operator, *more, **kw))  # type: ignore[no-untyped-call]

    def _in_list(self, binary: Any, **kw: Any) -> str | None:
        values = getattr(binary.right, "value", None)
        if not isinstance(values, list | tuple) or len(values) < _LONG:
            return None
        if not all(isinstance(value, str) for value in values):
            return None
        # "(...)", with the values filled in now or, as SQLAlchemy calls it, after compiling.
        listed = self.process(binary.right, **kw).strip()[1:-1]
        return f"list_contains([{listed}]::VARCHAR[], {self.process(binary.left, **kw)})"


class GxDuckDBDialect(DuckDBDialect):
    """DuckDB under PostgreSQL's name, on cursors of one connection that is already open.

    ``connect_args={"source": connection}`` names that connection: every pooled connection is a
    cursor of it and sees its views, so that nothing has to be written to a database file.
    """

    name = "postgresql"
    driver = SCHEME
    statement_compiler = _Compiler
    # How a list of values is written depends on its length, which is no part of the cache's key.
    supports_statement_cache = False

    def connect(self, *_: Any, source: duckdb.DuckDBPyConnection, **__: Any) -> Any:
        """A cursor of ``source``, wrapped; closing it leaves ``source`` open."""
        return _KeepingConnection(source.cursor())


registry.register(SCHEME, __name__, GxDuckDBDialect.__name__)
