"""Tool calls as they grow: which fragment belongs to which call (`streamlab.wire.calls`), read once for all rules.

Memory grows with the calls and their arguments, not with the number of fragments.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.record import Record
from streamlab.wire import reading
from streamlab.wire.accumulate import Text
from streamlab.wire.arguments import is_open
from streamlab.wire.calls import CallTracker, Placed, TrackedCall
from streamlab.wire.events import Chunk, Done, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.locate import member_span
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import Run
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.told_deltas import meant_delta

_NAME_PIECES = 16


class Call(TrackedCall):
    """One tool call. ``at`` is the event that opened it (``sse``, arrived at ``offset_us``), ``path`` where its first
    fragment stands there. ``pieces`` counts the fragments with argument text; ``cumulative`` stays True while each of
    them begins with the one before it.
    """

    __slots__ = (
        "arguments",
        "at",
        "cumulative",
        "last_piece",
        "names",
        "not_text",
        "offset_us",
        "path",
        "pieces",
        "sse",
    )

    def __init__(self, choice: int, index: int) -> None:
        super().__init__(choice, index)
        self.at = -1
        self.path = ""
        self.sse: ServerSentEvent | None = None
        self.offset_us: int | None = None
        self.names: list[str] = []  # each name that was sent, unless it is the one before it again
        self.arguments = Text()
        self.pieces = 0
        self.last_piece = ""
        self.cumulative = True
        self.not_text = False  # some arguments were no string

    @property
    def ghost(self) -> bool:
        """Whether nothing ever came: no id, no name, no arguments."""
        return not (self.id or self.name or self.arguments or self.not_text)

    def span(self, member: str) -> tuple[int, int] | None:
        """The bytes of a member of the first fragment (".function.name"); None when a repair made the chunk."""
        return None if self.sse is None else member_span(self.sse, self.path + member) or self.sse.span

    def add(self, fragment: JsonObject) -> None:
        super().add(fragment)
        function = reading.function(fragment)
        name, arguments = function.get("name"), function.get("arguments")
        if type(name) is str and name and self.names[-1:] != [name] and len(self.names) < _NAME_PIECES:
            self.names.append(name)
        if arguments is not None and type(arguments) is not str:
            self.not_text = True

    def add_text(self, piece: str) -> None:
        if not piece:
            return
        self.scan.add(piece)
        if self.cumulative and self.pieces and not piece.startswith(self.last_piece):
            self.cumulative = False
        self.pieces += 1
        self.last_piece = piece
        self.arguments.add(piece)

    def extend(self, pieces: list[str]) -> None:
        """More pieces of arguments, none of them empty."""
        if self.cumulative:
            for piece in pieces:
                self.add_text(piece)
            return
        self.scan.add("".join(pieces))
        self.pieces += len(pieces)
        self.last_piece = pieces[-1]
        self.arguments.extend(pieces)


class Fragment:
    """A fragment that is more than ``{"index": the same call, "function": {"arguments": text}}``.

    ``path`` is its place in the chunk; the rest is as the tracker placed it (`streamlab.wire.calls.Placed`).
    """

    __slots__ = ("call", "collides", "counted", "known_id", "known_name", "opens", "path", "raw", "resumes")

    def __init__(self, placed: Placed[Call], raw: JsonObject, path: str) -> None:
        self.call, self.opens, self.collides, self.resumes, self.counted, self.known_id, self.known_name = placed
        self.raw = raw
        self.path = path

    @property
    def function(self) -> JsonObject:
        """The function member; empty when missing or no object."""
        return reading.function(self.raw)


class JoinedCalls(Record, frozen=True):
    """The calls of all choices, read as those of one answer. ``whole`` gives for each call as its choice has it the
    one that it is of, which is another where it is a piece of that."""

    calls: list[Call]
    whole: dict[Call, Call]


class CallReader:
    """Reads the tool calls of one exchange, chunk by chunk, whichever rule asks first."""

    def __init__(self) -> None:
        self.calls: list[Call] = []  # all, in order of appearance
        self._at = -1
        self._telling: tuple[Fragment, ...] = ()
        self._tracker = CallTracker(Call)
        self._joined: JoinedCalls | None = None
        self._finished: dict[int, str] = {}  # choice -> why it stops
        self._over: frozenset[int] = frozenset()  # choices that had finished before [DONE], where clients stop reading

    def note_end(self, event: StreamEvent) -> None:
        """Know of an event that finishes choices, or ends the stream: there the calls of choices that have finished
        are over, but for those that break off, or that a finish promised and that have not come."""
        if type(event) is Chunk:
            for choice in reading.choices(event.json):
                reason = reading.finish_reason(choice)
                if isinstance(reason, str) and not is_blank(reason):
                    self._finished.setdefault(reading.choice_index(choice), reason)
        elif type(event) is Done and not self._over and not self._lacks_calls:
            self._over = frozenset(self._finished)

    @property
    def _lacks_calls(self) -> bool:
        promised = "tool_calls" in self._finished.values() and not self.calls
        return promised or any(is_open(call) for call in self.calls)

    def read(self, at: int, event: StreamEvent, offset_us: int | None = None) -> tuple[Fragment, ...]:
        """The telling fragments of event number ``at``; every rule that asks about it gets the same."""
        if at != self._at:
            self._at = at
            self._telling = tuple(self._read(at, event, offset_us)) if type(event) is Chunk else ()
        return self._telling

    def growing(self, run: Run) -> Call | None:
        """The call that a run of chunks, the first of which was read, adds arguments to; None where it may be more."""
        template = run.template
        if template.varying.choice in self._over:
            return None
        call = self._tracker.continuing(template.varying.choice, reading.fragment(template.chunk))
        if template.continued is None or call is None:
            return call
        return call if template.continued == (call, call.id, call.name) else None

    def continued(self) -> tuple[Call, str | None, str | None] | None:
        """The call that the chunk just read continues, with its id and name before that; None where it does more."""
        if len(self._telling) != 1:
            return None
        one = self._telling[0]
        if one.opens or one.collides or one.resumes or one.counted:
            return None
        return one.call, one.known_id, one.known_name

    def of_choice(self, choice: int) -> list[Call]:
        """The calls of a choice that are more than ghosts."""
        return [call for call in self.calls if call.choice == choice and not call.ghost]

    def joined(self) -> JoinedCalls:
        """The calls at the end of a stream, with the choices taken for one."""
        if self._joined is None:
            tracker, whole = CallTracker(Call), {}
            for piece in self.calls:
                called = {"name": piece.name, "arguments": str(piece.arguments)}
                placed = tracker.place(0, {"index": piece.index, "id": piece.id, "function": called})
                call = whole[piece] = placed.call
                call.not_text = call.not_text or piece.not_text
                if placed.opens:
                    call.choice, call.at, call.path = piece.choice, piece.at, piece.path
                    call.sse, call.offset_us = piece.sse, piece.offset_us
            self._joined = JoinedCalls([*dict.fromkeys(whole.values())], whole)
        return self._joined

    def _read(self, at: int, event: Chunk, offset_us: int | None) -> Iterator[Fragment]:
        if self._over and self._over.issuperset(map(reading.choice_index, reading.choices(event.json))):
            return
        for choice_at, choice in enumerate(reading.as_list(event.json.get("choices"))):
            if type(choice) is not dict:
                continue
            number = reading.choice_index(choice)
            listed = meant_delta(choice).get("tool_calls")
            step = f"choices[{choice_at}].delta.tool_calls"
            for call_at, raw in enumerate([listed] if type(listed) is dict else reading.as_list(listed)):
                if type(raw) is not dict:
                    continue
                call = self._tracker.plain(number, raw)
                if call is not None:
                    call.add_text(raw["function"]["arguments"])
                    continue
                path = step if type(listed) is dict else f"{step}[{call_at}]"
                fragment = Fragment(self._tracker.place(number, raw), raw, path)
                if fragment.opens:
                    call = fragment.call
                    call.at, call.path, call.sse, call.offset_us = at, path, event.sse, offset_us
                    self.calls.append(call)
                yield fragment
