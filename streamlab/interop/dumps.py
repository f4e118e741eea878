"""What tools print of bytes: hexadecimal dumps, line ends made visible (``cat -A``), a column of a table (CSV)."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

from streamlab.interop.pasted import Paste

_DUMPED = re.compile(
    rb"([0-9a-fA-F]{6,16})(:?)[ \t]+((?:[0-9a-fA-F]{2} ?){1,8} {0,2}(?:[0-9a-fA-F]{2} ?){0,24}?)(?: {1,}.*)?\Z"
)
_FIELD_AFTER_QUOTE = re.compile(rb'(?:^|,)"(?:data|event|id|retry)?:', re.MULTILINE)
_MOST_ROWS = 100_000


def peel_dump(paste: Paste) -> Paste | None:
    """``xxd`` and ``hexdump -C``: an offset, bytes in hexadecimal, the same as text."""
    lines = [line for line in paste.body.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    if len(lines) < 2:
        return None
    made = bytearray()
    for line in lines:
        if re.fullmatch(rb"[0-9a-fA-F]{6,16}", line.strip()) and line is lines[-1]:
            break  # hexdump's last line is the length
        found = _DUMPED.match(line.rstrip())
        if found is None or int(found[1], 16) != len(made):
            return None
        made += bytes.fromhex(b"".join(found[3].split()).decode("ascii"))[:16]
    return replace(paste, body=bytes(made), took=(*paste.took, "a dump's columns"))


def peel_visible_ends(paste: Paste) -> Paste | None:
    """``cat -A`` and ``cat -E``: a dollar sign where each line ends."""
    lines = paste.body.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    if len(lines) < 3 or not all(line.endswith(b"$") for line in lines[:-1]):
        return None
    ended = [re.sub(rb"(?:\^M)?\$\Z", lambda end: b"\r" if len(end.group()) > 1 else b"", line) for line in lines]
    return replace(paste, body=b"\n".join(ended) + b"\n", took=(*paste.took, "visible line ends"))


def peel_column(paste: Paste) -> Paste | None:
    """The column of a CSV table that holds the lines of a stream."""
    if not _FIELD_AFTER_QUOTE.search(paste.body):
        return None
    text = paste.body.decode("utf-8", "replace")
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True))[:_MOST_ROWS]
    except csv.Error:
        return None
    named = [[at for at, cell in enumerate(row) if re.match(r"(?:data|event|id|retry)?:", cell)] for row in rows]
    at = next((found[0] for found in named if found), None)
    if at is None or len({len(row) for row in rows if row}) != 1 or len(rows[0]) < 2:
        return None
    first = 0 if named[0] else 1  # a heading
    made = "\n".join(row[at] for row in rows[first:] if row) + "\n"
    return replace(paste, body=made.encode("utf-8", "replace"), took=(*paste.took, "a column of a table"))
