"""Tool calls as they grow: which fragment belongs to which call, read once for all rules that judge calls.

A fragment belongs to the call of its index. Where the index is missing or no number, the id decides, as in
wire/accumulate.py. Where two calls share an index (a new id *and* a name while the arguments so far are complete
JSON), the later one is a call of its own, so that nothing else about it is misjudged.

Memory grows with the calls and their arguments, not with the number of fragments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from streamlab.wire import reading
from streamlab.wire.accumulate import Text
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.locate import member_span
from streamlab.wire.payload import FaultKind, JsonObject, decode_payload
from streamlab.wire.sse import ServerSentEvent

_PLAIN = {"index", "function"}
_NAME_PIECES = 16
_LOOKS = 32
_MAX_COPIES = 64
_LEAKS = re.compile(
    r"<tool_call>|</?tool_calls?>|<\|tool_calls?_?(?:section_)?(?:begin|start)?\|>|<\|tool▁call|<｜tool▁calls?▁begin｜>"
    r"|<｜DSML｜|\[TOOL_CALLS\]|<function=|<function_call>|<\|python_tag\|>|<minimax:tool_call>|\]<\]minimax\[>\["
    r"|<invoke name=|functools\[|<\|action_start\|>|✿FUNCTION✿|<\|channel\|>commentary to="
)
_LEAK_REACH = 400
_SPACE = re.compile(r"[ \t\r\n]*")
_DIGITS = re.compile(r"-?[0-9]{1,9}")
_HARMLESS = {FaultKind.DUPLICATE_KEYS, FaultKind.LONE_SURROGATE}


class Call:
    """One tool call. ``id`` and ``name`` are the first that are not empty; ``index`` is the resolved index.

    ``at`` is the event that opened it (``sse``, arrived at ``offset_us``), ``path`` where its first fragment stands
    there. ``pieces`` counts the fragments with argument text; ``cumulative`` stays True while each of them begins with
    the one before it.
    """

    __slots__ = (
        "arguments",
        "at",
        "choice",
        "cumulative",
        "id",
        "index",
        "last_piece",
        "looked",
        "name",
        "names",
        "not_text",
        "offset_us",
        "path",
        "pieces",
        "sse",
    )

    def __init__(self, choice: int, index: int, at: int, path: str, sse: ServerSentEvent | None) -> None:
        self.choice = choice
        self.index = index
        self.at = at
        self.path = path
        self.sse = sse
        self.offset_us: int | None = None
        self.id: str | None = None
        self.name: str | None = None
        self.names: list[str] = []  # each name that was sent, unless it is the one before it again
        self.arguments = Text()
        self.pieces = 0
        self.last_piece = ""
        self.cumulative = True
        self.not_text = False  # some arguments were no string
        self.looked = 0  # how often the arguments were parsed while they grew

    @property
    def ghost(self) -> bool:
        """Whether nothing ever came: no id, no name, no arguments."""
        return not (self.id or self.name or self.arguments or self.not_text)

    def span(self, member: str) -> tuple[int, int] | None:
        """The bytes of a member of the first fragment (".function.name"); None when a repair made the chunk."""
        return None if self.sse is None else member_span(self.sse, self.path + member) or self.sse.span

    @property
    def joined_name(self) -> str:
        """All different pieces of the name in a row."""
        return "".join(self.names)

    def add(self, fragment: JsonObject) -> None:
        """One more fragment of this call."""
        call_id = fragment.get("id")
        if not self.id and type(call_id) is str:
            self.id = call_id or None
        function = reading.function(fragment)
        name = function.get("name")
        if type(name) is str and name:
            self.name = self.name or name
            if self.names[-1:] != [name] and len(self.names) < _NAME_PIECES:
                self.names.append(name)
        arguments = function.get("arguments")
        if type(arguments) is str:
            self._add_text(arguments)
        elif arguments is not None:
            self.not_text = True

    def _add_text(self, piece: str) -> None:
        if not piece:
            return
        if self.cumulative and self.pieces and not piece.startswith(self.last_piece):
            self.cumulative = False
        self.pieces += 1
        self.last_piece = piece if self.cumulative else ""
        self.arguments.add(piece)

    def complete(self) -> bool:
        """Whether the arguments so far are one complete JSON object. Gives up (False) when asked too often."""
        self.looked += 1
        return self.looked <= _LOOKS and type(read_arguments(str(self.arguments)).value) is dict


class Fragment:
    """A fragment that is more than ``{"index": the same call, "function": {"arguments": text}}``.

    ``opens`` says that it is the first of its call, ``known_id`` and ``known_name`` what the call had before it.
    ``path`` is its place in the chunk. ``collides`` says that its index belonged to another call; ``resumes`` that it
    goes back to a call after a fragment of another.
    """

    __slots__ = ("call", "collides", "known_id", "known_name", "opens", "path", "raw", "resumes")

    def __init__(self, call: Call, raw: JsonObject, path: str, opens: bool, collides: bool, resumes: bool) -> None:
        self.call = call
        self.raw = raw
        self.path = path
        self.opens = opens
        self.collides = collides
        self.resumes = resumes
        self.known_id = call.id
        self.known_name = call.name

    @property
    def function(self) -> JsonObject:
        """The function member; empty when missing or no object."""
        return reading.function(self.raw)


class CallReader:
    """Reads the tool calls of one exchange, chunk by chunk, whichever rule asks first."""

    def __init__(self) -> None:
        self.calls: list[Call] = []  # all, in order of appearance
        self._at = -1
        self._telling: tuple[Fragment, ...] = ()
        self._open: dict[tuple[int, int], Call] = {}  # (choice, index) -> the call that has it now
        self._last: dict[int, Call] = {}  # choice -> the call of its last fragment
        self._top: dict[int, int] = {}  # choice -> the greatest index so far
        self._by_id: dict[tuple[int, str], Call] = {}

    def read(self, at: int, event: StreamEvent, offset_us: int | None = None) -> tuple[Fragment, ...]:
        """The telling fragments of event number ``at``; every rule that asks about it gets the same."""
        if at != self._at:
            self._at = at
            self._telling = tuple(self._read(at, event, offset_us)) if type(event) is Chunk else ()
        return self._telling

    def of_choice(self, choice: int) -> list[Call]:
        """The calls of a choice that are more than ghosts."""
        return [call for call in self.calls if call.choice == choice and not call.ghost]

    def _read(self, at: int, event: Chunk, offset_us: int | None) -> Iterator[Fragment]:
        for choice_at, choice in enumerate(reading.as_list(event.json.get("choices"))):
            if type(choice) is not dict:
                continue
            number = reading.choice_index(choice)
            listed = reading.delta(choice).get("tool_calls")
            step = f"choices[{choice_at}].delta.tool_calls"
            for call_at, raw in enumerate([listed] if type(listed) is dict else reading.as_list(listed)):
                if type(raw) is not dict:
                    continue
                call = self._plain(number, raw)
                if call is not None:
                    call.add(raw)
                    continue
                path = step if type(listed) is dict else f"{step}[{call_at}]"
                fragment = self._telling_one(at, number, raw, path, event.sse)
                if fragment.opens:
                    fragment.call.offset_us = offset_us
                yield fragment

    def _plain(self, choice: int, raw: JsonObject) -> Call | None:
        """The call that a plain continuation continues; None when it is anything else."""
        if raw.keys() != _PLAIN:
            return None
        last, function = self._last.get(choice), raw["function"]
        index = raw["index"]
        if last is None or type(index) is not int or index < 0 or index != last.index or type(function) is not dict:
            return None
        plain = len(function) == 1 and type(function.get("arguments")) is str
        return last if plain and self._open.get((choice, index)) is last else None

    def _telling_one(self, at: int, choice: int, raw: JsonObject, path: str, sse: ServerSentEvent | None) -> Fragment:
        last = self._last.get(choice)
        index = _number(raw.get("index"))
        if index is None:
            index = self._guess(choice, raw.get("id"))
        call = self._open.get((choice, index))
        collides = call is not None and _is_another(call, raw)
        opens = call is None or collides
        if call is None or collides:
            call = self._open[choice, index] = Call(choice, index, at, path, sse)
            self.calls.append(call)
            self._top[choice] = max(index, self._top.get(choice, index))
        resumes = not opens and last is not None and last is not call
        fragment = Fragment(call, raw, path, opens, collides, resumes)
        call.add(raw)
        if call.id:
            self._by_id.setdefault((choice, call.id), call)
        self._last[choice] = call
        return fragment

    def _guess(self, choice: int, call_id: Any) -> int:
        """Without an index: a known id names its call, a new id opens the next, no id continues the last."""
        if type(call_id) is str and call_id:
            known = self._by_id.get((choice, call_id))
            return self._top.get(choice, -1) + 1 if known is None else known.index
        last = self._last.get(choice)
        return 0 if last is None else last.index


def _number(index: Any) -> int | None:
    """An index as the tolerant clients read it: an integer, or a string of digits."""
    if type(index) is int:
        return index
    if type(index) is str and _DIGITS.fullmatch(index):
        return int(index)
    return None


def _is_another(call: Call, raw: JsonObject) -> bool:
    """Whether a fragment with the index of ``call`` plainly opens another one.

    It has a name, and the arguments so far are complete; a different name needs a new id or such arguments, the
    same name needs both, because a server may also repeat the name (and make up a new id) in every fragment.
    """
    call_id, name = raw.get("id"), reading.function(raw).get("name")
    if not (type(name) is str and name) or not call.name:
        return False
    new_id = type(call_id) is str and bool(call_id) and bool(call.id) and call_id != call.id
    if name == call.name:
        return new_id and bool(call.arguments) and call.complete()
    return (new_id and not call.arguments) or ((new_id or not call_id) and bool(call.arguments) and call.complete())


class Arguments(NamedTuple):
    """Argument text read as JSON: ``ok`` and its ``value``; else whether it merely stops in the middle."""

    ok: bool
    value: Any = None
    truncated: bool = False


def read_arguments(text: str) -> Arguments:
    """Argument text as a strict client reads it. Doubled keys and lone surrogates parse everywhere, NaN does not."""
    payload = decode_payload(text.encode("utf-8", "surrogatepass"))
    kinds = {fault.kind for fault in payload.faults} - _HARMLESS
    if payload.ok and not kinds:
        return Arguments(True, payload.value)
    return Arguments(False, None, FaultKind.TRUNCATED in kinds)


class ArgumentsFault(Enum):
    """What is wrong with the whole arguments of a call; at most one thing is said."""

    PREFIX = "an extra {} at the beginning"
    DUPLICATED = "the same arguments again, or all so far in every piece"
    DOUBLE_ENCODED = "JSON text inside a JSON string"
    NOT_JSON = "no JSON object"


def fault_of(call: Call) -> ArgumentsFault | None:
    """What is wrong with a call's arguments as they are now; None when they are a JSON object or empty."""
    text = str(call.arguments)
    if not text or call.not_text:
        return None
    read = read_arguments(text)
    if read.ok:
        if type(read.value) is dict:
            return None
        inner = read_arguments(read.value).value if type(read.value) is str else None
        return ArgumentsFault.DOUBLE_ENCODED if type(inner) is dict else ArgumentsFault.NOT_JSON
    if call.cumulative and call.pieces > 1 and read_arguments(call.last_piece).ok:
        return ArgumentsFault.DUPLICATED
    return _repetition(text) or ArgumentsFault.NOT_JSON


def _repetition(text: str) -> ArgumentsFault | None:
    """Whether text that is no JSON is JSON objects in a row: an empty one first, or the same again and again."""
    values: list[Any] = []
    decoder, at = json.JSONDecoder(), 0
    try:
        while at < len(text) and len(values) < _MAX_COPIES:
            value, at = decoder.raw_decode(text, at)
            values.append(value)
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return None
    if at < len(text) or len(values) < 2 or type(values[0]) is not dict:
        return None
    if all(value == values[0] for value in values):
        return ArgumentsFault.DUPLICATED
    return ArgumentsFault.PREFIX if values[0] == {} and type(values[1]) is dict else None


def leaked_call(text: str, names: frozenset[str]) -> str | None:
    """The markup of a tool call inside a text, shortened: a known marker shortly followed by the name of a tool.

    The name is asked for because people do talk about the markers; few talk about them with their own tool's name.
    """
    for marker in _LEAKS.finditer(text):
        reach = text[marker.start() : marker.end() + _LEAK_REACH]
        if any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", reach) for name in names):
            return reach[:80]
    return None
