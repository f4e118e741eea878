"""Objects as consoles show them: JavaScript's ``console.log``, Ruby's ``p``, Elixir's ``IO.inspect``.

``{ id: 'a', choices: [ { index: 0 } ], usage: undefined }``, ``{"id"=>"a", "usage"=>nil}``, ``%{"id" => "a"}``. A
console leaves out what is nested deep (``[Object]``): then nothing is read, and it is said how to print it whole.
JSON over several lines, too, each object behind a word of the program's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from streamlab.errors import UnreadableInputError
from streamlab.interop.objects import as_stream, balanced, is_chunk
from streamlab.interop.pasted import Paste
from streamlab.interop.wrapped_events import DONE, events_in
from streamlab.lazy_pattern import lazy_pattern

_START = lazy_pattern(
    r"(?:^|(?<=[ \t:=>]))%?(\{)(?=\s*(?:[A-Za-z_$][\w$]*: |\"[\w.]{1,80}\" ?=>|\n\s*\"[\w.]{1,80}\": ))", re.MULTILINE
)
_TOKEN = lazy_pattern(
    r"(?P<blank>\s+|\+|%)|(?P<mark>[{}\[\],:]|=>)|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`)"
    r"|(?P<number>-?\d[\d.]*(?:e[+-]?\d+)?)|(?P<name>[A-Za-z_$][\w$]*)",
    re.DOTALL,
)
_ESCAPE = lazy_pattern(r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "0": "\0"}
_WORDS = {"true": "true", "false": "false", "null": "null", "nil": "null", "undefined": '"\\u0000undefined"'}
_UNDEFINED = "\0undefined"
_LEFT_OUT = lazy_pattern(r"\[(?:Object|Array)\]|\.{3} \d+ more items?")


def peel_inspected(paste: Paste) -> Paste | None:
    """The events among the objects. Raises UnreadableInputError where a console left part of them out."""
    if re.search(rb"^(?:data|event) ?:", paste.body, re.MULTILINE) is not None:
        return None  # off the wire
    text = paste.body.decode("utf-8", "replace")
    values = list(_values(text))
    events = values if values and all(map(is_chunk, values)) and not _are_parsed(values) else events_in(values)
    chunks = [one for one in events if one != DONE]
    done = DONE in events or re.search(r"^\W*\[DONE\]\W*$", text, re.MULTILINE) is not None
    return as_stream(paste, chunks, "what a console shows", done)


def _are_parsed(values: list[Any]) -> bool:
    """Whether these are what a parser of streams makes of events (``type: 'event'``), with the data as text."""
    return all(type(one.get("data")) is str and one.get("type") in ("event", "message") for one in values)


def _values(text: str) -> Iterator[Any]:
    start = _START.search(text)
    while start is not None:
        whole = balanced(text, start.start(1))
        if not whole.endswith("}"):
            return
        try:
            yield _defined(json.loads(_as_json(whole)))
        except (ValueError, RecursionError):
            if _LEFT_OUT.search(whole) is not None:
                raise UnreadableInputError(
                    "objects of which console.log left a part out ([Object]): print JSON.stringify(chunk)"
                ) from None
        start = _START.search(text, start.start(1) + len(whole))


def _as_json(whole: str) -> str:
    made: list[str] = []
    at, before = 0, ""
    while at < len(whole):
        token = _TOKEN.match(whole, at)
        if token is None:
            raise ValueError("no value that a console shows")
        at = token.end()
        kind, shown = token.lastgroup, token[0]
        if kind == "blank":
            continue
        if kind == "string" and before == "string":  # a long one is shown in pieces, with plus signs
            made[-1] = json.dumps(json.loads(made[-1]) + _unescaped(shown[1:-1]))
        elif kind == "string":
            made.append(json.dumps(_unescaped(shown[1:-1])))
        elif kind == "name" and whole[at : at + 1] == ":":
            made.append(json.dumps(shown))
        elif kind == "name":
            made.append(_word(shown))
        else:
            made.append(":" if shown == "=>" else shown)
        before = kind or ""
    return "".join(made)


def _word(shown: str) -> str:
    if shown not in _WORDS:
        raise ValueError("no value that a console shows")
    return _WORDS[shown]


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        if digits is not None:
            return chr(min(int(digits, 16), 0x10FFFF))
        return _SHORT.get(found[4], found[4])

    return _ESCAPE.sub(one, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _defined(value: Any) -> Any:
    if isinstance(value, list):
        return [_defined(one) for one in value]
    if isinstance(value, dict):
        return {name: _defined(one) for name, one in value.items() if one != _UNDEFINED}
    return value
