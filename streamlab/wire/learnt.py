"""Templates of runs, made of events that were read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamlab.wire.events import Chunk
from streamlab.wire.locate import number_span, steps_of, string_span
from streamlab.wire.payload import JsonObject, decode_payload, encode_json
from streamlab.wire.runs import LONGEST, Template, Varying
from streamlab.wire.sse import parse_event

_OTHER = b"another text"
_OTHER_NUMBER = b"7"


def template_of(event: Chunk, varying: Varying) -> Template | None:
    """A template of an event that was read; None where its bytes cannot serve as one."""
    sse = event.sse
    if sse is None or event.faults or not sse.start or not sse.terminated or len(sse.raw) > 2 * LONGEST:
        return None
    if not sse.raw.endswith(b"\n"):
        return None
    strings = (varying.path, varying.padding, *varying.copies)
    spans = {path: _span_of(sse.raw, event.json, path) for path in strings if path}
    spans |= {path: number_span(sse.raw, path) for path in (varying.number, varying.noise) if path}
    if None in spans.values():
        return None
    order = sorted(spans, key=spans.__getitem__)  # type: ignore[arg-type]
    parts, at = [], 0
    for path in order:
        start, end = spans[path]  # type: ignore[misc]
        parts.append(sse.raw[at:start])
        at = end
    parts.append(sse.raw[at:])
    whole = b"".join(parts)
    if len(whole) > LONGEST or not whole.isascii() or b"\\u" in whole or not _reads_alike(event, parts, order, varying):
        return None
    return Template(event.json, varying, parts if order else [*parts, b""], order)


def _span_of(raw: bytes, chunk: JsonObject, path: str) -> tuple[int, int] | None:
    """Where the string ``path`` of a chunk stands, without its quotes, most likely: a look will tell (`_reads_alike`).
    Where its bytes stand once only it is there, which is found in a tenth of the time."""
    try:
        text = _at(chunk, steps_of(path))
    except (KeyError, IndexError, TypeError):  # it is not there
        return None
    told = encode_json(text) if type(text) is str else b""
    at = raw.find(told) if told else -1
    if at < 0 or raw.find(told, at + 1) >= 0:
        return string_span(raw, path)
    return at + 1, at + len(told) - 1


def _reads_alike(event: Chunk, parts: list[bytes], order: list[str], varying: Varying) -> bool:
    """Whether the bytes around other strings are read as the same chunk with other strings."""
    sse = event.sse
    assert sse is not None
    numbers = (varying.number, varying.noise)
    others = {path: _OTHER_NUMBER if path in numbers else _OTHER for path in order}
    raw = parts[0] + b"".join(others[path] + part for path, part in zip(order, parts[1:], strict=True))
    other = parse_event(raw, sse.start)
    frames = [(one.plain, one.terminated, one.event, one.id, one.retry, one.comments) for one in (sse, other)]
    payload = decode_payload(other.data or b"")
    if frames[0] != frames[1] or payload.faults or not payload.ok:
        return False
    for path in order:
        *way, last = steps_of(path)
        theirs, ours = _at(payload.value, way), _at(event.json, way)
        if theirs[last] != (int(_OTHER_NUMBER) if path in numbers else _OTHER.decode()):
            return False
        theirs[last] = ours[last]
    return bool(payload.value == event.json)


def text_at(chunk: JsonObject, varying: Varying) -> str:
    """The text of a chunk that varies."""
    text: str = _at(chunk, steps_of(varying.path))
    return text


def _at(value: Any, way: Sequence[str | int]) -> Any:
    for step in way:
        value = value[step]
    return value
