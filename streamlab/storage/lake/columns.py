"""The columns of every kind of file of a lake, and whether a file has them: files may come from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.storage.lake import rows
from streamlab.storage.lake.place import FINDINGS

if TYPE_CHECKING:
    import pyarrow

#: What files of what was judged say of the exchange.
OF_EXCHANGE = ("hash", "day", "recorder", "started_at", "server", "model", "version", "label", "tap")


def schemas() -> tuple[pyarrow.Schema, pyarrow.Schema]:
    """The columns of the files of judged exchanges, and of findings."""
    import pyarrow as pa

    text, number, flag = pa.string(), pa.int64(), pa.bool_()
    shared = dict.fromkeys(OF_EXCHANGE, text)
    judged = {
        **shared, "api": text, "dialect": text, "judged": flag, "why": text, "worst": text, "findings": number,
        "events": number, "bytes": number, "ttft_us": number, "duration_us": number, "stalls": number,
        "status": number, "ending": text, "error": text, "notes": text, "report": pa.binary(),
    }  # fmt: skip
    finding = {
        **shared, "rule": text, "severity": text, "counts": flag, "message": text, "event": number, "path": text,
        "offset_us": number, "count": number, "known": flag,
    }  # fmt: skip
    marked = {rows.SCHEMA_KEY: str(rows.SCHEMA).encode()}
    return pa.schema(list(judged.items()), metadata=marked), pa.schema(list(finding.items()), metadata=marked)


def unlike(name: str, found: pyarrow.Schema) -> str | None:
    """What a file of this name lacks of its columns; None where it has them all. Others beside them do no harm."""
    for field in _schema_of(name):
        at = found.get_field_index(field.name)
        if at < 0:
            return f"it has no column {field.name}"
        if found.field(at).type != field.type:
            return f"its column {field.name} is no {field.type}"
    return None


def _schema_of(name: str) -> pyarrow.Schema:
    parts = name.split("/")
    if parts[0] != FINDINGS:
        return rows.schema()
    judged, findings = schemas()
    return judged if parts[-2] == "judged" else findings
