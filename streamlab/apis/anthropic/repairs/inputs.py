"""The input of a tool: in deltas, once, as one object. Ids where there are none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import copy
from typing import Any, Final

from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    MESSAGE_STOP,
    TOOL_BLOCKS,
)
from streamlab.apis.anthropic.inputs import InputFault, decoded, judge, meant_tool, repaired
from streamlab.apis.anthropic.repairs.parts import Message, Part, delta_event, is_quiet, kind_of, made
from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.repair import ABSENT, Draft, Drafts, ErrorPayload, Origin
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import as_object
from streamlab.wire.runs import Run

_MOST_HELD: Final = 1 << 20  # bytes of input that wait to be understood
_MOST_RIGHTED: Final = 10_000  # calls that are remembered
_MARK = lazy_pattern(r'["\\{}\[\]]')
_RULES: Final = {
    InputFault.EMPTY_OBJECT_PREFIX: "messages-tool-input-empty-object-prefix",
    InputFault.REPEATED: "messages-tool-input-repeated",
    InputFault.DOUBLE_ENCODED: "messages-tool-input-double-encoded",
    InputFault.NOT_OBJECT: "messages-tool-input-not-object",
    InputFault.NOT_JSON: "messages-tool-input-not-json",
}


class Progress:
    """How far a JSON object has come: whether its last bracket is closed."""

    def __init__(self) -> None:
        self._depth = 0
        self._string = False
        self._escaped = -1  # how many characters of the next piece belong to an escape
        self.closed = False

    @property
    def in_text(self) -> bool:
        """Whether a string is open, which a quote would close."""
        return self._string and self._escaped < 0 and not self.closed

    def feed(self, piece: str) -> None:
        at = max(self._escaped, 0)
        self._escaped = -1
        for match in _MARK.finditer(piece):
            if match.start() < at:
                continue
            mark = match.group()
            if mark == "\\":
                at = match.start() + 2
                if self._string and at > len(piece):
                    self._escaped = at - len(piece)
            elif mark == '"':
                self._string = not self._string
            elif not self._string:
                self._depth += 1 if mark in "{[" else -1
                self.closed = self.closed or self._depth <= 0


class ToolInputs(Part):
    """Looks at the input of the open call. Holds back what may be said twice, until the block is closed."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._open = False
        self._index: object = None
        self._given: tuple[str, Draft] | None = None  # input that stood in the start
        self._sent: list[str] = []  # that went out
        self._size = 0
        self._progress = Progress()
        self._held: list[Draft] = []
        self._held_size = 0
        self._off = False  # too much to hold back
        self._over = False  # message_stop came
        self._ids: set[str] = set()
        self._id_of = ("", "")  # of the open call: as it came, and as it went out
        self._righted: dict[int, str] = {}  # index of a call -> the rule by which its input went out otherwise

    @property
    def holding(self) -> bool:
        """Whether the input of a tool is being looked at."""
        return self._open

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        kind = kind_of(draft)
        if self.message.passing:
            follows = kind == BLOCK_DELTA and draft.json.get("index") == self._index
            return (*(self._held_back() if follows else self._as_it_came()), draft)
        if any(draft is one for one in self.message.left):
            self.message.left = [one for one in self.message.left if one is not draft]
            self._off = True  # the input goes on behind it, and what it is a part of is not known
            self._again(draft, as_object(draft.json.get("content_block")))
            return (*self._as_it_came(), draft)
        if kind == BLOCK_START:
            rest = tuple(self._settle(min(draft.sources, default=None)))
            self._start(draft, as_object(draft.json.get("content_block")))
            return (*rest, draft)
        if kind == BLOCK_DELTA and self._is_late(draft.json.get("index")):
            return self._late(draft)
        self._over = self._over or kind == MESSAGE_STOP
        if not self._open or is_quiet(draft):
            return (draft,)
        if kind == BLOCK_DELTA:
            return self._delta(draft)
        if kind in (BLOCK_STOP, MESSAGE_STOP):
            rest = tuple(self._settle(min(draft.sources, default=None)))
            self._open = self._open and kind != BLOCK_STOP
            return (*rest, draft)
        # What is no event of a message says nothing about the input; after an error nothing says that it is whole.
        return (*self._as_it_came(), draft) if type(draft.event) is ErrorPayload else (draft,)

    def finish(self, ending: Ending) -> Drafts:
        """What was held back, as it came: nothing says that it is whole."""
        return self._as_it_came()

    def _as_it_came(self) -> Drafts:
        return (*self._from_start(), *self._held_back())

    def _held_back(self) -> list[Draft]:
        held, self._held = self._held, []
        return held

    def _from_start(self) -> Iterator[Draft]:
        """The input that stood in the start, as the delta it should have been."""
        if self._given is not None:
            (text, start), self._given = self._given, None
            value = delta_event(self._index, "input_json_delta", "partial_json", text)
            self._right("messages-tool-input-in-start")
            yield made(value, start, "messages-tool-input-in-start")

    def _right(self, rule: str) -> None:
        if type(self._index) is int and len(self._righted) < _MOST_RIGHTED:
            self._righted[self._index] = rule

    # -- behind the end of its block ---------------------------------------------------------------------------------

    def _is_late(self, index: object) -> bool:
        """Whether a call is over whose input went out otherwise than it came: what follows would be no part of it."""
        over = index != self._index or not self._open
        return over and type(index) is int and index in self._righted and not self.message.reader.stopped

    def _late(self, draft: Draft) -> Drafts:
        delta, rule = as_object(draft.json.get("delta")), self._righted[draft.json["index"]]
        piece = delta.get("partial_json") if delta.get("type") == "input_json_delta" else None
        if type(piece) is not str or not piece:
            return (draft,)
        if len(delta) > 2:  # it says more than a piece of input
            self._put(draft, rule, delta, "partial_json", "", "delta.")
            return (draft,)
        self.message.drop(draft, rule)
        return ()

    def passes(self, run: Run) -> bool:
        """Whether each event of a run is the next piece of the input, and nothing of it is in doubt."""
        chunk = run.template.chunk
        ours = self._open and bool(self._sent) and run.template.varying.path == "delta.partial_json"
        if not ours or chunk.get("index") != self._index or self._off or self._held or self._given is not None:
            return False
        # A piece as long as all before it might be the whole once more.
        return max(map(len, run.texts)) < self._size and not self._after(run.texts[:-1]).closed

    @property
    def unseen(self) -> int:
        """Up to which length a piece without quotes and backslashes passes for certain: within a string, while it is no
        longer than all before it."""
        return self._size - 1 if self._progress.in_text else 0

    def passed(self, run: Run) -> None:
        """Its events went out."""
        self._progress = self._after(run.texts)
        self._sent += run.texts
        self._size += len(run.text)

    def _after(self, pieces: list[str]) -> Progress:
        """How far the object has come after these pieces."""
        progress = copy(self._progress)
        text = "".join(pieces)
        for piece in pieces if "\\" in text else (text,):
            progress.feed(piece)
        return progress

    # -- the start ---------------------------------------------------------------------------------------------------

    def _start(self, draft: Draft, block: JsonObject) -> None:
        kind = block.get("type")
        self._open = type(kind) is str and kind in TOOL_BLOCKS
        self._given, self._sent, self._size, self._off = None, [], 0, False
        self._progress = Progress()
        if not self._open:
            return
        self._index = draft.json.get("index")
        block = draft.json["content_block"] = dict(block)  # the reader goes on knowing it as it came
        if kind == "tool_use":
            self.message.called = True
            self._name(draft, block)
        self._id(draft, block)
        given, path = block.get("input"), "content_block."
        caller = as_object(block.get("caller")).get("type")
        if type(given) is dict and given and kind == "tool_use" and caller in (None, "direct"):
            self._put(draft, "messages-tool-input-in-start", block, "input", {}, path)
            self._given = (encode_json(given).decode("utf-8", "replace"), draft)
        elif type(given) is not dict:
            self._put(draft, "messages-block-start-member-missing", block, "input", {}, path)
            inner = decoded(given) if type(given) is str else None
            if inner is not None:
                self._given = (inner, draft)

    def _name(self, draft: Draft, block: JsonObject) -> None:
        """Unsafe: the one offered tool whose name differs in case alone."""
        name, tools = block.get("name"), self.message.state.tools
        if not self.message.state.unsafe or type(name) is not str or not tools or name in tools:
            return
        meant = meant_tool(name, tools)
        if meant is not None:
            self._put(draft, "messages-tool-name-not-in-tools", block, "name", meant, "content_block.")

    def _id(self, draft: Draft, block: JsonObject) -> None:
        held: Any = block.get("id")
        known = type(held) is str and bool(held)
        self._id_of = (held, held) if known else ("", "")
        if known and held not in self._ids:
            self._ids.add(held)
            return
        rule = "messages-tool-id-repeated" if known else "messages-tool-id-missing"
        first = as_object(self.message.reader.message).get("id")
        seed = encode_json([str(first), len(self._ids), draft.json.get("index"), block.get("name")])
        new = f"toolu_{hashlib.sha256(seed).hexdigest()[:24]}"
        self._ids.add(new)
        self._id_of = (self._id_of[0], new)
        self._put(draft, rule, block, "id", new, "content_block.", Origin.INVENTED)

    def _again(self, draft: Draft, block: JsonObject) -> None:
        """A start that goes out once more for the open call has the id under which that went out."""
        came, went = self._id_of
        if self._open and came != went and block.get("id") == came and draft.json.get("index") == self._index:
            block = draft.json["content_block"] = dict(block)
            self._put(draft, "messages-tool-id-repeated", block, "id", went, "content_block.", Origin.INVENTED)

    def _put(
        self, draft: Draft, rule: str, block: JsonObject, key: str, value: object, path: str,
        origin: Origin = Origin.DERIVED,
    ) -> None:  # fmt: skip
        self.message.odd = True
        draft.put(rule, block, key, value, path, origin)

    # -- the deltas --------------------------------------------------------------------------------------------------

    def _delta(self, draft: Draft) -> Drafts:
        delta = as_object(draft.json.get("delta"))
        piece = delta.get("partial_json") if delta.get("type") == "input_json_delta" else None  # others add nothing
        if type(piece) is not str or not piece or self._off or draft.json.get("index") != self._index:
            return (draft,)
        if self._over:  # what comes behind the end goes out in that order
            return (*self._as_it_came(), draft)
        if self._given is not None:
            self._given = None  # it follows, as it should
        if self._held or self._doubtful(piece):
            self._held.append(draft)
            self._held_size += len(piece)
            if self._held_size <= _MOST_HELD:
                return ()
            self._off = True
            self.message.cannot("messages-tool-input-repeated", "the input is too long to be looked at as a whole")
            held, self._held = self._held, []
            return held
        self._sent.append(piece)
        self._size += len(piece)
        self._progress.feed(piece)
        return (draft,)

    def _doubtful(self, piece: str) -> bool:
        """Whether this piece may be more, or something else, than the next piece of an object."""
        if not self._sent:
            start = piece.lstrip()
            return not start.startswith("{") or start.startswith("{}")
        if self._progress.closed:
            return bool(piece.strip())
        return len(piece) >= self._size and piece.startswith("".join(self._sent))

    def _settle(self, at: int | None) -> Iterator[Draft]:
        """The block is over with event ``at``: what goes out of what was held back."""
        held, self._held, self._held_size = self._held, [], 0
        yield from self._from_start()
        if not held:
            return
        pieces = [as_object(draft.json.get("delta"))["partial_json"] for draft in held]
        sent = "".join(self._sent)
        whole = sent + "".join(pieces)
        fault = judge(whole, [*self._sent, *pieces])
        meant = self._meant(fault, whole, [*self._sent, *pieces])
        if meant is None or not meant.startswith(sent):
            if fault is not InputFault.NONE:
                self.message.cannot(_RULES[fault], "what was meant is not on the wire", at)
            yield from held
            return
        yield from self._instead(held, meant[len(sent) :], _RULES[fault])

    @staticmethod
    def _meant(fault: InputFault, whole: str, pieces: list[str]) -> str | None:
        if fault is InputFault.DOUBLE_ENCODED:
            return decoded(whole, twice=True)
        if fault in (InputFault.EMPTY_OBJECT_PREFIX, InputFault.REPEATED):
            return repaired(whole, pieces)
        return "{}" if fault is InputFault.NOT_OBJECT and whole.strip() == "null" else None

    def _instead(self, held: list[Draft], rest: str, rule: str) -> Iterator[Draft]:
        self.message.odd = True
        self._right(rule)
        for draft in held:
            delta = as_object(draft.json.get("delta"))
            if rest or len(delta) > 2:  # it says more than a piece of input
                draft.put(rule, delta, "partial_json", rest, "delta.")
                yield draft
            else:
                self.message.drop(draft, rule)
            rest = ""


__all__ = ["ABSENT", "ToolInputs"]
