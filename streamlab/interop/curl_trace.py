"""What ``curl --trace`` and ``--trace-ascii`` write: every read of both directions, with ``--trace-time`` its moment.

``--trace-ascii`` shows line feeds, control characters and all that is not ASCII as dots. Line feeds stand outside of
JSON only, so those are certain; a character that became a dot is lost.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from streamlab.interop.http_text import head_and_rest, request_and_rest
from streamlab.interop.pasted import Paste
from streamlab.lazy_pattern import lazy_pattern

_BLOCK = lazy_pattern(
    rb"(?:(\d\d):(\d\d):(\d\d)\.(\d{6}) )?"
    rb"(?:== Info|(=>|<=) (Send|Recv) (header|data), (\d{1,9}) bytes \(0x[0-9a-f]+\))"
)
_LINE = lazy_pattern(rb"([0-9a-f]{4,8}): (.*)")
_CHUNK = lazy_pattern(rb"([0-9a-fA-F]{1,8})(?:;[^\r]*)?\r\n")
_HEX = lazy_pattern(rb"(?:[0-9a-f]{2} ){1,16}")
#: Bytes that a row shows, at most: 64, and the line end behind them.
_ROW = 66
_DECODER = json.JSONDecoder()


@dataclass(slots=True)
class _Block:
    """One read or write; ``rows`` are (offset, shown)."""

    sent: bool
    header: bool
    size: int
    at_us: int | None
    rows: list[tuple[int, bytes]] = field(default_factory=list)

    def data(self) -> bytes:
        """The bytes: exact from hexadecimal, else with dots."""
        made = bytearray()
        stops = [at for at, _ in self.rows[1:]] + [self.size]
        for (at, shown), end in zip(self.rows, stops, strict=False):
            stop = min(end, at + _ROW)
            dump = _HEX.match(shown)
            if dump is not None and len(dump[0]) // 3 == stop - at:
                made += bytes.fromhex(dump[0].decode())
            else:
                made += shown.ljust(stop - at, b"\r")[: stop - at]
                if stop - at == len(shown) + 2:
                    made[-2:] = b"\r\n"
        return bytes(made)

    @property
    def ascii(self) -> bool:
        """Whether line feeds became dots."""
        return not all(_HEX.match(shown) for _, shown in self.rows)


def peel_trace(paste: Paste) -> Paste | None:
    """The exchange that a trace shows; None when it is none."""
    if paste.reads or not any(mark in paste.body for mark in (b"<= Recv ", b"=> Send ")):
        return None
    blocks = _blocks(paste.body)
    received = [one for one in blocks if not one.sent and not one.header]
    if not received:
        return None
    head, _ = head_and_rest(b"".join(one.data() for one in blocks if one.header and not one.sent))
    request, _ = request_and_rest(b"".join(one.data() for one in blocks if one.sent))
    took = "a curl trace"
    pieces = [one.data() for one in received]
    if head is not None and "chunked" in (head.header("transfer-encoding") or ""):
        pieces = _unchunked(pieces)
    body = b"".join(pieces)
    reads: tuple[tuple[int, int], ...] = ()
    if any(one.ascii for one in received):
        took = "a curl trace, in which characters that are not ASCII are dots"
        body = _line_feeds(body)
    start = next((one.at_us for one in blocks if one.sent), None)
    times = [one.at_us for one in received]
    if start is not None and None not in times:
        reads = tuple((max(0, (at or 0) - start), len(piece)) for at, piece in zip(times, pieces, strict=True) if piece)
    return Paste(body, head or paste.head, request or paste.request, (*paste.took, took), reads=reads)


def _blocks(text: bytes) -> list[_Block]:
    blocks: list[_Block] = []
    current: _Block | None = None
    for line in text.replace(b"\r\n", b"\n").split(b"\n"):
        found = _BLOCK.match(line)
        if found is not None:
            current = None
            if found[5] is not None:
                hour, minute, second, micro = (int(found[at] or -1) for at in range(1, 5))
                at_us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro if found[1] is not None else None
                current = _Block(found[6] == b"Send", found[7] == b"header", int(found[8]), at_us)
                blocks.append(current)
        elif current is not None and (row := _LINE.match(line)) is not None:
            current.rows.append((int(row[1], 16), row[2]))
    return blocks


def _unchunked(pieces: list[bytes]) -> list[bytes]:
    """The pieces without HTTP's chunk framing; as they are where they have none (newer curl shows them without)."""
    whole, made, at = b"".join(pieces), bytearray(), 0
    if _CHUNK.match(whole) is None:
        return pieces
    kept: list[tuple[int, int]] = []
    while (size := _CHUNK.match(whole, at)) is not None:
        length = int(size[1], 16)
        kept.append((size.end(), min(size.end() + length, len(whole))))
        at = size.end() + length + 2
        if not length:
            break
    result, begin, at = [], 0, 0
    for piece in pieces:
        made.clear()
        end = begin + len(piece)
        while at < len(kept) and kept[at][0] < end:
            start, stop = kept[at]
            made += whole[max(start, begin) : min(stop, end)]
            if stop > end:
                break  # goes on in the next piece
            at += 1
        result.append(bytes(made))
        begin = end
    return result


def _line_feeds(body: bytes) -> bytes:
    """Dots outside of JSON that can only be line feeds."""
    text, made, at = body.decode("latin-1"), [], 0
    while at < len(text):
        field_ = re.compile(r"(?:data|event|id|retry|): ?").match(text, at)
        if field_ is None:
            made.append("\n" if text[at] == "." else text[at])
            at += 1
            continue
        stop = _value_end(text, field_.end())
        made.append(text[at:stop])
        at = stop
    return "".join(made).encode("latin-1")


def _value_end(text: str, at: int) -> int:
    if text.startswith(("{", "["), at):
        try:
            return _DECODER.raw_decode(text, at)[1]
        except (ValueError, RecursionError):
            pass
    end = re.compile(r"\.(?=\.|data:|event:|id:|retry:|$)").search(text, at)
    return end.start() if end is not None else len(text)
