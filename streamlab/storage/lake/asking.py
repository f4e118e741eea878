"""Questions about a lake, or about rows at hand, answered by DuckDB, which may read them and nothing else.

The query comes from whoever asks: it is one SELECT, sees no file but those of the lake, loads no extension, reaches no
network and no variable of this program, and cannot change its own settings.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.errors import CouldNotRunError, UsageError
from streamlab.storage.lake import rows
from streamlab.storage.lake.columns import schemas
from streamlab.storage.lake.files import read
from streamlab.storage.lake.place import LakePlace

if TYPE_CHECKING:
    import pyarrow

#: What there is to ask: each a view.
VIEWS = ("exchanges", "judged", "findings")
#: What DuckDB says, in a RuntimeError, after Ctrl-C.
_INTERRUPTED = "Query interrupted"
_SETTINGS = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "preserve_insertion_order": False,
}


class QueryAnswer(NamedTuple):
    """What a query came to."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class LakeQuestions:
    """A hardened DuckDB over views. Use as a context manager."""

    def __init__(self) -> None:
        import duckdb

        self._connection = duckdb.connect(":memory:", config=dict(_SETTINGS))
        self._paths: list[str] = []
        self._spill = tempfile.TemporaryDirectory(prefix="streamlab-sql-")
        self._connection.execute(f"SET temp_directory = {_quoted(self._spill.name)}")
        self._closed = False

    def __enter__(self) -> LakeQuestions:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._spill.cleanup()

    # -- what can be asked

    def files(self, view: str, place: LakePlace, names: Sequence[str]) -> None:
        """Let a view be the rows of these files of a lake."""
        if not names:
            self.table(view, [])
        elif place.is_folder:
            paths = [place.full(name) for name in names]
            self._paths += paths
            self._view(view, f"read_parquet([{', '.join(map(_quoted, paths))}])")
        else:
            import pyarrow.dataset as ds

            found = ds.dataset([place.full(name) for name in names], filesystem=place.system, schema=_schema(view))
            self._connection.register(f"{view}_files", found)
            self._view(view, f"{view}_files")

    def table(self, view: str, found: Sequence[Mapping[str, Any]]) -> None:
        """Let a view be rows at hand."""
        import pyarrow as pa

        self._connection.register(f"{view}_rows", pa.Table.from_pylist(list(found), _schema(view)))
        self._view(view, f"{view}_rows")

    def numbered(
        self, view: str, place: LakePlace, names: Sequence[str], starts: Sequence[int], columns: Sequence[str]
    ) -> None:
        """Let a view be columns of these files, and ``id``: the file's start and the row's number, from 1."""
        import pyarrow as pa

        if not place.is_folder or not names:
            parts = [pa.Table.from_pylist([], _schema(view)).select(columns)]
            parts += [read(place, name, columns=columns) for name in names]
            parts = [_with_ids(part, start) for part, start in zip(parts, [0, *starts], strict=False)]
            self._connection.register(f"{view}_rows", pa.concat_tables(parts))
            self._view(view, f"{view}_rows")
            return
        paths = [place.full(name) for name in names]
        self._paths += paths
        listed = ", ".join(map(_quoted, paths))
        begins = ", ".join(f"({_quoted(path)}, {start})" for path, start in zip(paths, starts, strict=False))
        with _complaints():
            self._connection.execute(
                f"""CREATE VIEW {view} AS SELECT {", ".join(columns)}, start + file_row_number + 1 AS id
                FROM read_parquet([{listed}], file_row_number = true, filename = true)
                JOIN (VALUES {begins}) AS begins(filename, start) USING (filename)"""
            )

    def _view(self, name: str, source: str) -> None:
        with _complaints():
            self._connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")

    def _close(self) -> None:
        """From here on nothing else can be reached."""
        if not self._closed:
            paths = ", ".join(map(_quoted, self._paths))
            self._connection.execute(f"SET allowed_paths = [{paths}]")
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
            self._closed = True

    # -- asking

    def ask(self, query: str, parameters: Sequence[object] = ()) -> QueryAnswer:
        """What a SELECT comes to. Raises UsageError where it is none or makes no sense, CouldNotRunError."""
        import duckdb

        self._close()
        with _complaints():
            try:
                (statement,) = self._connection.extract_statements(query)
            except ValueError:
                raise UsageError("a query is one SELECT statement") from None
            if statement.type != duckdb.StatementType.SELECT:
                raise UsageError("a query is one SELECT statement: nothing can be written or set")
            found = self._connection.execute(statement, list(parameters))
            columns = tuple(str(one[0]) for one in found.description or ())
            return QueryAnswer(columns, found.fetchall())

    def ask_numbers(self, query: str, parameters: Sequence[object] = ()) -> array[int]:
        """The one column of a SELECT of our own, whole numbers none of which is NULL. Raises CouldNotRunError."""
        self._close()
        found = array("q")
        with _complaints():
            for batch in self._connection.sql(query, params=list(parameters)).to_arrow_reader():
                column = batch.column(0).cast("int64")
                found.frombytes(column.buffers()[1][column.offset * 8 : (column.offset + len(column)) * 8])
        return found


def _with_ids(part: pyarrow.Table, start: int) -> pyarrow.Table:
    import pyarrow as pa

    return part.append_column("id", pa.array(range(start + 1, start + 1 + part.num_rows), pa.int64()))


class _complaints:  # noqa: N801 - used as a context manager
    """What DuckDB raises, as one clear line."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        import duckdb

        if isinstance(error, duckdb.InterruptException) or str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from None
        if isinstance(error, MemoryError):
            raise CouldNotRunError("the answer does not fit into memory: ask for less of it, with LIMIT") from None
        if isinstance(error, duckdb.OutOfMemoryException | duckdb.IOException | duckdb.FatalException):
            raise CouldNotRunError(_line(error)) from None
        if isinstance(error, duckdb.CatalogException) and str(error).startswith("Catalog Error: Table"):
            there = "The views are exchanges, judged and findings; DESCRIBE findings tells what one holds."
            raise UsageError(f"{_line(error).partition(' Did you mean')[0]} {there}") from None
        if isinstance(error, duckdb.Error):
            raise UsageError(_line(error)) from None


def _line(error: Exception) -> str:
    first = str(error).strip().partition("\n\n")[0]
    return " ".join(first.split())[:400]


def _schema(view: str) -> pyarrow.Schema:
    judged, findings = schemas()
    return {"exchanges": rows.schema(), "judged": judged, "findings": findings}[view]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_parquet(answer: QueryAnswer) -> bytes:
    """The answer as a Parquet file."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [list(values) for values in zip(*answer.rows, strict=True)] or [[] for _ in answer.columns]
    made = io.BytesIO()
    try:
        pq.write_table(pa.table(columns, list(answer.columns)), made, compression="zstd")
    except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
        raise UsageError(f"Parquet does not hold this answer: {_line(error)}") from None
    return made.getvalue()
