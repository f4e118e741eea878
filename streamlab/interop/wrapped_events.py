"""Events that a program logged inside of something else: a member of a line of JSON, the event of a parser of streams.

``{"level": 30, "chunk": {"id": …, "choices": …}}``, ``{"event": "message", "data": "{…}"}``,
``ServerSentEvent(event=None, data={…}, …)``. The wire is gone.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from streamlab.interop.objects import is_chunk
from streamlab.interop.pasted import Paste, whole_json
from streamlab.interop.peeling import json_lines
from streamlab.lazy_pattern import lazy_pattern

_EVENT = lazy_pattern(r"\bServerSentEvent\(event=(?:None|'[^'\n]{0,80}'|[\w.]{0,80}), data=")
_LITERAL = lazy_pattern(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
DONE = "[DONE]"
_DEEPEST = 4


def peel_wrapped_events(paste: Paste) -> Paste | None:
    """The events inside, where most of what is there holds one at the same place."""
    found = list(_of_parsers(paste.body)) or events_in(_records(paste.body))
    values = [one for one in found if one != DONE]
    if len(values) < 2:
        return None
    body = json_lines(values) + (b"data: [DONE]\n\n" if DONE in found else b"")
    return replace(paste, body=body, framed=False, took=(*paste.took, "what events were logged in"))


def _of_parsers(body: bytes) -> Iterator[Any]:
    """What the parsers of openai-python and httpx-sse print."""
    if b"ServerSentEvent(" not in body:
        return
    for line in body.decode("utf-8", "replace").splitlines():
        start = _EVENT.search(line)
        literal = _LITERAL.match(line, start.end()) if start is not None else None
        if start is None:
            continue
        if literal is not None:
            data = ast.literal_eval(literal[0])
        elif line.startswith(DONE, start.end()):
            data = DONE
        else:
            data = line[start.end() : line.rfind(", id=")]
        inner = _inner(data)
        if inner is not None:
            yield inner


def _records(body: bytes) -> list[Any]:
    """The objects of an array, or of lines, that are no events themselves."""
    whole = whole_json(body)
    lines = whole if isinstance(whole, list) else [whole_json(line) for line in body.splitlines() if line.strip()]
    return lines if all(isinstance(one, dict) and not is_chunk(one) for one in lines) else []


def events_in(records: list[Any]) -> list[Any]:
    """The events that records hold, at the place at which most of them have one; ``[DONE]`` as it is."""
    placed = [dict(_placed(one, "", 0)) for one in records]
    places = Counter(place for one in placed for place in one)
    if not places or 2 * places.most_common(1)[0][1] < len(records):
        return []
    place = places.most_common(1)[0][0]
    return [one[place] for one in placed if place in one]


def _placed(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The events in a value, each with its place."""
    inner = _inner(value)
    if inner is not None and depth:
        yield place, inner
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, one in value.items():
            yield from _placed(one, f"{place}.{name}", depth + 1)


def _inner(value: Any) -> Any:
    """The event that a member is, or its text holds; None where it is none."""
    if isinstance(value, str):
        if value.strip() == DONE:
            return DONE
        value = whole_json(value.encode("utf-8", "replace")) if re.match(r"\s*\{", value) else None
    return value if is_chunk(value) else None
