"""Events as programs print them: the wire is gone, the values are there.

Python's dicts, ``ChatCompletionChunk(…)`` and its kin, arrays of JSON, the table of Chromium's developer tools, and
each of these behind whatever a log puts before it. Nothing is executed: Python's own parser reads, and only literals
and calls with named arguments are taken.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from streamlab.interop.pasted import Paste, whole_json
from streamlab.interop.peeling import json_lines
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload

_MODEL = lazy_pattern(r"\b([A-Z]\w*(?:Chunk|Event|Completion|Stream))\(")
_BRACKET_OR_STRING = lazy_pattern(r"""[()\[\]{}]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_START = lazy_pattern(rb"\{['\"]|\b[A-Z]\w*(?:Chunk|Event|Completion|Stream)\(")
_ROW = lazy_pattern(rb"^(?:[^\t\n]{0,80}\t){0,2}(\{.*\}|\[DONE\])(?:\t[\d:.,APM ]{0,20}){0,3}$")
#: Members by which an event is known, as they stand in what could not be read.
_OF_A_CHUNK = lazy_pattern(rb"""['"]?(?:choices|delta|candidates)\\?['"]?\s?(?:=>|[:=]) ?\\?[\[{'"]""")
_LONGEST = 1 << 20
#: Seconds since 1970, which are whole on the wire.
_MOMENTS = frozenset(("created_at", "completed_at"))
_DECODER = json.JSONDecoder()


def peel_table(paste: Paste) -> Paste | None:
    """Rows copied from the EventStream tab of the developer tools: id, type, data, time."""
    rows = [(line, _ROW.match(line)) for line in paste.body.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    found = [row for line, row in rows if row is not None and b"\t" in line]
    if not found or len(found) < len(rows) - 2:
        return None
    values = [decode_payload(row[1]).value for row in found if row[1] != b"[DONE]"]
    done = any(row[1] == b"[DONE]" for row in found)
    return as_stream(paste, [one for one in values if isinstance(one, dict)], "a table of events", done)


def peel_objects(paste: Paste) -> Paste | None:
    """Values that a program printed."""
    whole = whole_json(paste.body)
    if whole is not None:
        if isinstance(whole, list) and whole and all(is_chunk(one) for one in whole):
            return as_stream(paste, whole, "a JSON array")
        return None
    if re.search(rb"^[^\w{\n]{0,4}(?:data(?:s?[ \t]*:|[ \t])|event[ \t]*:)", paste.body, re.MULTILINE | re.IGNORECASE):
        return None  # off the wire, whatever its data is
    values = list(_pretty(paste.body)) or list(_pretty_python(paste.body)) or _models(paste.body)
    if not values:
        values = list(_of_lines(paste.body))
    values = [one for one in values if is_chunk(one)]
    if not values:
        return None
    done = re.search(rb"^\W*\[DONE\]\W*$", paste.body, re.MULTILINE) is not None
    return as_stream(paste, values, "printed objects", done)


def as_stream(paste: Paste, values: list[Any], what: str, done: bool = False) -> Paste | None:
    """The paste as the stream of its values; None where there are none."""
    if not values:
        return None
    if all(map(_is_dumped, values)):
        values = [_without_unset(one) for one in values]
    body = json_lines([_as_sent(one) for one in values]) + (b"data: [DONE]\n\n" if done else b"")
    return replace(paste, body=body, framed=False, took=(*paste.took, what))


def is_chunk(value: object) -> bool:
    """Whether a value is an event of a stream, or looks like one."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return "choices" in value or "candidates" in value or (isinstance(kind, str) and bool(kind)) or "error" in value


def _pretty(body: bytes) -> Iterator[Any]:
    """JSON values one after another over several lines each, as ``jq`` prints them; one a line is how some servers
    really stream, and is left alone."""
    text = body.decode("utf-8", "replace").strip().removesuffix("[DONE]").rstrip()
    if not text.startswith("{\n") and not text.startswith("{\r"):
        return
    at, values = 0, []
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        values.append(value)
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    yield from values


def _pretty_python(body: bytes) -> Iterator[Any]:
    """Python's values one after another over several lines each, as ``pprint`` prints them, or in one list."""
    text = body.decode("utf-8", "replace").strip()
    if len(body) > _LONGEST or not re.match(r"\[?\{'", text):
        return
    values: list[Any] = []
    while text:
        whole = balanced(text)
        try:
            value = _value(ast.parse(whole, mode="eval").body)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return
        values += value if isinstance(value, list) else [value]
        text = text[len(whole) :].lstrip(" \t\r\n,")
        if text.strip() == "[DONE]":
            break
    yield from values


def _of_lines(body: bytes) -> Iterator[Any]:
    """The value of each line that has one; none at all where that of one cannot be read: an answer with a hole in it
    would look whole."""
    values = []
    for line in body.splitlines():
        found = list(_printed(line))
        if not found and _OF_A_CHUNK.search(line) is not None:
            return
        values += found
    yield from values


def _printed(line: bytes) -> Iterator[Any]:
    """The value on a line, after whatever a log put before it."""
    found = _START.search(line) if len(line) <= _LONGEST else None
    if found is None or (found.start() == 0 and line.startswith(b'{"') and decode_payload(line).ok):
        return
    text = line[found.start() :].decode("utf-8", "replace").strip()
    if text.startswith('{"'):
        try:
            yield _DECODER.raw_decode(text)[0]
            return
        except (ValueError, RecursionError):
            pass
    try:
        yield _value(ast.parse(balanced(text), mode="eval").body)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return


def balanced(text: str, at: int = 0) -> str:
    """The text from ``at`` to where its first bracket closes; strings are skipped."""
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text, at):
        if found[0] in ("(", "[", "{"):
            depth += 1
        elif found[0] in (")", "]", "}"):
            depth -= 1
            if not depth:
                return text[at : found.end()]
    return text[at:]


def _models(body: bytes) -> list[Any]:
    """Each ``ChatCompletionChunk(…)`` and its kin, on a line, over several (Rich), or in a list; [] where none is.

    A program in between prints what came and what it made of it (LiteLLM): of chunks, the kind that comes first counts.
    """
    text = body.decode("utf-8", "replace")
    found: list[tuple[str, Any]] = []
    start = _MODEL.search(text)
    while start is not None:
        whole = balanced(text, start.start())
        if not whole.endswith(")"):
            break
        try:
            found.append((start[1], _value(ast.parse(whole, mode="eval").body)))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            found.append((start[1], None))
        start = _MODEL.search(text, start.start() + len(whole))
    first = next((name for name, value in found if value is None or "choices" in value), "")
    if any(name == first and value is None for name, value in found):
        return []  # an answer with a hole in it would look whole
    return [value for name, value in found if value is not None and (name == first or "choices" not in value)]


def _is_dumped(value: Any) -> bool:
    """Whether a chunk has every member that openai-python knows, as ``model_dump()`` gives them."""
    choices = value.get("choices")
    deltas = [one.get("delta") for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
    members = {"content", "function_call", "refusal", "role", "tool_calls"}
    dumped = all(isinstance(one, dict) and members <= one.keys() for one in deltas)
    return isinstance(choices, list) and dumped and {"service_tier", "usage"} <= value.keys()


def _without_unset(value: Any) -> Any:
    """A dumped model without the members that it was not sent."""
    if isinstance(value, list):
        return [_without_unset(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_unset(one) for name, one in value.items() if one is not None or name == "finish_reason"}


def _as_sent(value: Any) -> Any:
    """Moments as whole numbers: the models of openai-python make them floats."""
    if isinstance(value, list):
        return [_as_sent(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: int(one) if name in _MOMENTS and isinstance(one, float) and one.is_integer() else _as_sent(one)
        for name, one in value.items()
    }


def _value(node: ast.AST) -> Any:
    """A literal, or a call with named arguments as an object.

    A model prints the fields it was not sent as None, so those are left out; ``finish_reason`` is always sent, and so
    are those of a response.
    """
    if isinstance(node, ast.Call):
        named = {one.arg: _value(one.value) for one in node.keywords if one.arg is not None}
        whole = isinstance(node.func, ast.Name) and node.func.id == "Response"
        return {name: one for name, one in named.items() if whole or one is not None or name == "finish_reason"}
    if isinstance(node, ast.Dict):
        return {_key(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(one) for one in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        return -number if isinstance(number, int | float) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    raise ValueError("no plain value")


def _key(node: ast.AST | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError("no plain key")
