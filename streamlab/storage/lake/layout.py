"""How the rows of a lake's file lie in it: like beside like, in row groups of a limited size.

Parquet compresses a column of a row group by itself, so what is alike has to lie in one. Equal bodies are stored once
there (a dictionary), and of those that are alike (a conversation that is sent again with each turn, a prompt that is
asked again) zstd stores what is new. Any reader of Parquet reads it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

_MIB = 1024 * 1024
#: A row group is the unit of work, and what is read to open one exchange. It ends at so many rows or bytes, or at so
#: many bytes where those that are equal to the row before are not counted.
GROUP_ROWS, GROUP_BYTES, _DIFFERENT_BYTES = 2048, 32 * _MIB, 16 * _MIB
#: From 16 on a row costs half a millisecond to two, and gains 2 %.
_LEVEL = 15
#: A column of a row group is a page, so that what is alike meets in it.
_PAGE_BYTES = 2 * GROUP_BYTES
#: Columns that a dictionary makes larger: digits that zstd packs to half where no lengths lie between them, and numbers
#: that come in the same order again. `body`, the requests and the headers are best in one.
_ENCODINGS = {
    "hash": "DELTA_LENGTH_BYTE_ARRAY",
    "sha256": "DELTA_LENGTH_BYTE_ARRAY",
    "started_at": "DELTA_LENGTH_BYTE_ARRAY",
    "number": "DELTA_BINARY_PACKED",
    "bytes": "PLAIN",
    "head_us": "PLAIN",
    "end_us": "PLAIN",
    "offsets_us": "PLAIN",
    "lengths": "PLAIN",
}
#: Columns of which no question wants the least and the largest value.
_UNORDERED = {
    "hash", "sha256", "request_headers", "request_body", "response_headers", "notes", "body", "report", "message",
    "path", "why", "error",
}  # fmt: skip


def neighbours(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of exchanges in the order in which they are written: those of a server and a model together, by what was
    asked and answered. The same rows come out in the same order."""
    return sorted(found, key=_likeness)


def _likeness(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        row["url"] or "", row["model"] or "", row["request_body"] or b"", row["body"] or b"", row["started_at"] or "",
        row["hash"],
    )  # fmt: skip


def grouped(found: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Rows in row groups."""
    group: list[Mapping[str, Any]] = []
    size = different = 0
    for row in found:
        heavy = weight(row)
        size += heavy
        different += 0 if group and _holds_the_same(row, group[-1]) else heavy
        group.append(row)
        if len(group) >= GROUP_ROWS or size >= GROUP_BYTES or different >= _DIFFERENT_BYTES:
            yield group
            group, size, different = [], 0, 0
    if group:
        yield group


def _holds_the_same(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(row.get(name) == other.get(name) for name in ("body", "request_body", "report"))


def weight(row: Mapping[str, Any]) -> int:
    """About how many bytes a row holds."""
    return len(row.get("body") or b"") + len(row.get("request_body") or b"") + len(row.get("report") or b"")


def parquet(found: Iterable[Mapping[str, Any]], schema: pyarrow.Schema) -> bytes:
    """A file of rows, in this order."""
    import pyarrow as pa

    return written((pa.Table.from_pylist(group, schema) for group in grouped(found)), schema)


def written(groups: Iterable[pyarrow.Table], schema: pyarrow.Schema) -> bytes:
    """A file of row groups."""
    import pyarrow.parquet as pq

    made = io.BytesIO()
    encodings = {leaf: _ENCODINGS[name] for name, leaf in _leaves(schema) if name in _ENCODINGS}
    with pq.ParquetWriter(
        made,
        schema,
        compression="zstd",
        compression_level=_LEVEL,
        write_page_checksum=True,
        use_dictionary=[leaf for _, leaf in _leaves(schema) if leaf not in encodings],
        column_encoding=encodings,
        dictionary_pagesize_limit=_PAGE_BYTES,
        data_page_size=_PAGE_BYTES,
        write_statistics=[leaf for name, leaf in _leaves(schema) if name not in _UNORDERED],
    ) as writer:
        for group in groups:
            writer.write_table(group)
    return made.getvalue()


def _leaves(schema: pyarrow.Schema) -> Sequence[tuple[str, str]]:
    """Each column, and what Parquet calls what is in it."""
    return [
        (field.name, f"{field.name}.list.element" if str(field.type).startswith("list") else field.name)
        for field in schema
    ]
