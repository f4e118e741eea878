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
from streamlab.wire.payload import decode_payload

_MODEL = re.compile(rb"\b(?:[A-Z]\w*(?:Chunk|Event|Completion|Stream))\(")
_START = re.compile(rb"\{['\"]|\b[A-Z]\w*(?:Chunk|Event|Completion|Stream)\(")
_ROW = re.compile(rb"^(?:[^\t\n]{0,80}\t){0,2}(\{.*\}|\[DONE\])(?:\t[\d:.,APM ]{0,20}){0,3}$")
_LONGEST = 1 << 20
_DECODER = json.JSONDecoder()


def peel_table(paste: Paste) -> Paste | None:
    """Rows copied from the EventStream tab of the developer tools: id, type, data, time."""
    rows = [(line, _ROW.match(line)) for line in paste.body.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    found = [row for line, row in rows if row is not None and b"\t" in line]
    if not found or len(found) < len(rows) - 2:
        return None
    values = [decode_payload(row[1]).value for row in found if row[1] != b"[DONE]"]
    done = any(row[1] == b"[DONE]" for row in found)
    return _events(paste, [one for one in values if isinstance(one, dict)], "a table of events", done)


def peel_objects(paste: Paste) -> Paste | None:
    """Values that a program printed."""
    whole = whole_json(paste.body)
    if whole is not None:
        if isinstance(whole, list) and whole and all(_is_chunk(one) for one in whole):
            return _events(paste, whole, "a JSON array")
        return None
    if re.search(rb"^[^\w{\n]{0,4}(?:data(?:s?[ \t]*:|[ \t])|event[ \t]*:)", paste.body, re.MULTILINE | re.IGNORECASE):
        return None  # off the wire, whatever its data is
    values = list(_pretty(paste.body)) or list(_pretty_python(paste.body))
    if not values:
        values = [value for line in paste.body.splitlines() for value in _printed(line)]
    values = [one for one in values if _is_chunk(one)]
    if not values:
        return None
    done = re.search(rb"^\W*\[DONE\]\W*$", paste.body, re.MULTILINE) is not None
    return _events(paste, values, "printed objects", done)


def _events(paste: Paste, values: list[Any], what: str, done: bool = False) -> Paste | None:
    if not values:
        return None
    body = json_lines(values) + (b"data: [DONE]\n\n" if done else b"")
    return replace(paste, body=body, framed=False, took=(*paste.took, what))


def _is_chunk(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return "choices" in value or "candidates" in value or (isinstance(kind, str) and bool(kind)) or "error" in value


def _pretty(body: bytes) -> Iterator[Any]:
    """JSON values one after another over several lines each, as ``jq`` prints them; one a line is how some servers
    really stream, and is left alone."""
    text = body.decode("utf-8", "replace").strip()
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
        whole = _balanced(text)
        try:
            value = _value(ast.parse(whole, mode="eval").body)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return
        values += value if isinstance(value, list) else [value]
        text = text[len(whole) :].lstrip(" \t\r\n,")
        if text.strip() == "[DONE]":
            break
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
        yield _value(ast.parse(_balanced(text), mode="eval").body)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return


def _balanced(text: str) -> str:
    """The text up to where its first bracket closes; strings are skipped."""
    depth, quote, at = 0, "", 0
    while at < len(text):
        one = text[at]
        if quote:
            if one == "\\":
                at += 1
            elif one == quote:
                quote = ""
        elif one in "'\"":
            quote = one
        elif one in "([{":
            depth += 1
        elif one in ")]}":
            depth -= 1
            if not depth:
                return text[: at + 1]
        at += 1
    return text


def _value(node: ast.AST) -> Any:
    """A literal, or a call with named arguments as an object.

    A model prints the fields it was not sent as None, so those are left out; ``finish_reason`` is always sent.
    """
    if isinstance(node, ast.Call):
        named = {one.arg: _value(one.value) for one in node.keywords if one.arg is not None}
        return {name: value for name, value in named.items() if value is not None or name == "finish_reason"}
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
