"""What tools print of bytes: hexadecimal dumps, line ends made visible (``cat -A``), a column of a table (CSV)."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

from streamlab.interop.pasted import LARGEST_PASTE, Paste
from streamlab.lazy_pattern import lazy_pattern

_OFFSET = lazy_pattern(rb"([0-9a-fA-F]{6,16})(:?)(?:[ \t]+|\Z)")
_PAIR = lazy_pattern(rb"([0-9a-fA-F]{2}) {0,3}")
#: Bytes on a line, at most.
_WIDEST = 64
_FIELD_AFTER_QUOTE = lazy_pattern(rb'(?:^|,)"(?:data|event|id|retry)?:', re.MULTILINE)
_MOST_ROWS = 100_000


def peel_dump(paste: Paste) -> Paste | None:
    """``xxd``, ``hexdump`` and ``od -A x -t x1z``: an offset, bytes in hexadecimal, the same as text.

    How many bytes a line has, the offset of the next one says; ``*`` stands for lines like the one above.
    """
    lines = [line.rstrip() for line in paste.body.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    rows = [_OFFSET.match(line) for line in lines]
    if len(lines) < 2 or any(row is None and line != b"*" for row, line in zip(rows, lines, strict=True)):
        return None
    made, last, repeated, width = bytearray(), b"", False, 0
    for at, row in enumerate(rows):
        if row is None:
            repeated = True
            continue
        offset = int(row[1], 16)
        if repeated:
            missing = offset - len(made)
            if not last or not 0 <= missing <= LARGEST_PASTE or missing % len(last):
                return None
            made += last * (missing // len(last))
            repeated = False
        if row.end() == len(lines[at]):  # the last line of hexdump and od is the length; words have a byte too many
            del made[offset:]
            break
        if offset != len(made):
            return None
        following = next((one for one in rows[at + 1 :][:2] if one is not None), None)
        whole = int(following[1], 16) - offset if following is not None and following is rows[at + 1] else len(last)
        last, stop = _row(lines[at], row, whole or _WIDEST, width)
        width = max(width, stop)
        if not last:
            return None
        made += last
    return replace(paste, body=bytes(made), took=(*paste.took, "a dump's columns"))


def _row(line: bytes, row: re.Match[bytes], most: int, width: int) -> tuple[bytes, int]:
    """The bytes of a line, ``most`` of them and none beyond the column at which those before ended, and that column."""
    shown, at = bytearray(), row.end()
    words = (
        not row[2] and re.match(rb"[0-9a-fA-F]{4}(?: |\Z)", line[at:]) is not None
    )  # of two bytes, the low one first
    most = min(most + most % 2 if words else most, _WIDEST)
    while len(shown) < most and (not width or at < width) and (pair := _PAIR.match(line, at)) is not None:
        shown.append(int(pair[1], 16))
        at = pair.end()
    if words:
        for one in range(0, len(shown) - 1, 2):
            shown[one], shown[one + 1] = shown[one + 1], shown[one]
    return bytes(shown), at


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
