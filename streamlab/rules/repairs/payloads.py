"""Payloads that only make sense together: JSON torn into events, an answer sent as raw text."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterator
from typing import Any

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.repair import ABSENT, Change, Draft, Drafts, Origin, Repair, RepairState, Stage, error_event
from streamlab.rules.repairs.errors import worded
from streamlab.rules.repairs.framing import STRING, comment, frame, reencode
from streamlab.wire.bad_payloads import DONE_EVENTS
from streamlab.wire.error_objects import ERROR_EVENTS, may_be_remark
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.hollow import is_no_chunk
from streamlab.wire.inserted import IN_DOUBT, may_be_comment, may_go_on, without_comments
from streamlab.wire.json_values import says_nothing, whole_keys
from streamlab.wire.keepalives import is_keepalive
from streamlab.wire.keepalives import says_nothing as chunk_says_nothing
from streamlab.wire.payload import FaultKind, JsonObject, encode_json
from streamlab.wire.reading import Fact
from streamlab.wire.stream import read_event
from streamlab.wire.told_errors import told_error

_MAX_HELD = 64
#: A text that any payload of JSON begins with.
_JSON_BEGINS = frozenset(("{", "[", '{"', "[{", '[{"'))
_MAX_HELD_BYTES = 1 << 20
_UNTERMINATED = "sse-unterminated-final-event"
_UNCLEAR = "the payload is no JSON object and nobody can say what was meant"
_RAW_CONTROL = lazy_pattern(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class TornPayloads(Repair):
    """Undecodable events are held until it is clear what they are together.

    Tried in this order: one JSON document cut into events; one document torn at its line ends; the rest of an answer
    sent as raw text (its beginning equals the text so far: the missing end is sent on as content) or a tool call in
    the form of GLM-4 (a line with the name of an offered tool, a line of JSON); else each on its own: nothing is a
    comment, text is an error message (a comment where the answer goes on after it).
    """

    rules = (
        "sse-json-split-across-events",
        "sse-comment-inside-data",
        "sse-empty-data-event",
        "plain-text-in-data",
        "json-python-repr",
    )
    stage = Stage.PAYLOAD
    minds = 0
    on = Fact.UNDECODABLE | Fact.FRAMING
    holds_back = "consecutive events that are no JSON, until one that is (64 events or 1 MiB at most)"
    apis = Scope.JUDGED

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []
        self._bytes = 0
        self._before: list[Draft] = []  # what cannot go on, and is judged with what is held
        self._told = False  # whether the error behind it is all that clients read of two
        self._translates = not state.api.judged  # what text may go on with speaks another protocol

    def event(self, draft: Draft) -> Drafts:
        if isinstance(draft.event, Undecodable):
            return self._hold(draft)
        if not self._held:
            return (draft,)
        if isinstance(draft.event, Comment) or self._decides_nothing(draft):
            return self._comment(draft)
        if isinstance(draft.event, Done) and not self.state.api.ends_with_done:
            self._held.append(draft)  # it goes, and what comes behind it tells
            return tuple(self._judge(False)) if len(self._held) > _MAX_HELD else ()
        self._told = self.state.api.names_events and isinstance(draft.event, ErrorPayload)
        return (*self._judge(not self._goes_on(draft)), draft)

    def _decides_nothing(self, draft: Draft) -> bool:
        """Whether it is an error or a remark, which the event behind it tells, or what goes: a chunk of chat that says
        nothing, or an object that is none."""
        if not isinstance(draft.event, Chunk):
            return False
        chunk, name = draft.event.json, draft.came_named
        if not name and (may_be_remark(chunk) or is_keepalive(chunk)):
            return True
        if self.state.api.names_events or self.state.audio:
            return not name and chunk.get("choices") == [] and _is_empty(chunk)
        goes = is_no_chunk(chunk, name) and name not in DONE_EVENTS and told_error(chunk, name) is None
        return goes or (not name and chunk.get("choices") == [] and _is_empty(chunk))

    def _goes_on(self, draft: Draft) -> bool:
        """Whether an event is more of the answer; a chunk of chat that says nothing is dropped. The end of an answer
        that has finished is nothing that is cut."""
        event = draft.event
        ends = not self.state.api.names_events and draft.came_named in DONE_EVENTS
        if not isinstance(event, Chunk) or (ends and is_no_chunk(event.json, draft.came_named)):
            return (ends or isinstance(event, Done)) and bool(self.state.finished)
        if not self.state.api.names_events and told_error(event.json) is not None:
            return False
        listed, usage = event.json.get("choices", [{}]), event.json.get("usage")
        return bool(type(listed) is list or usage) or self.state.api.names_events

    def _hold(self, draft: Draft) -> Drafts:
        assert draft.event.sse is not None
        if self._held and self._begins_anew(draft):
            self._before += self._clear()
        return self._hold_on(draft)

    def _begins_anew(self, draft: Draft) -> bool:
        """Whether a broken object begins, and what is held is neither its beginning nor an answer."""
        event = draft.event
        data = (event.sse.data or b"") if event.sse is not None else b""
        begins = data.lstrip()[:1] == b"{"
        payloads = self._payloads()
        if not begins or not payloads:
            return False
        if any(one.lstrip()[:1] == b"{" for one in payloads):
            tails = (b"\n".join(_comments_of(one)) for one in self._held if _is_stray(one))
            return not may_go_on(b"\n\n".join((b"".join(payloads), *tails)), data)
        text = b"\n".join(payloads).decode("utf-8", "replace")
        said = self.state.texts.text()
        named = text.strip().partition("\n")[0].strip() in (self.state.tools or ())
        return not named and not (said and (text.startswith(said) or said.startswith(text)))

    def _hold_on(self, draft: Draft) -> Drafts:
        assert draft.event.sse is not None
        self._held.append(draft)
        self._bytes += len(draft.event.sse.data or b"")
        self.awake = True
        if len(self._held) > 1:
            found = self._joined(b"") or self._joined(b"\n") or self._without_comment(b"\n\n".join(self._payloads()))
            if found is not None:
                return (*self._comments(), found)
        if len(self._held) + len(self._before) > _MAX_HELD or self._bytes > _MAX_HELD_BYTES:
            return tuple(self._judge(False))
        return ()

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._judge(True)) if self._held else ()

    def _comment(self, draft: Draft) -> Drafts:
        joined = self._with_blank_line(draft)
        if joined is not None:
            return (*self._comments(), joined)
        self._held.append(draft)
        return tuple(self._judge(False)) if len(self._held) > _MAX_HELD else ()

    def _comments(self) -> list[Draft]:
        """What is left when the held payloads went out as one event."""
        before, self._before = self._before, []
        left = [draft for draft in self._clear() if not isinstance(draft.event, Undecodable)]
        return [*(self._alone(one, False) if isinstance(one.event, Undecodable) else one for one in before), *left]

    def _parts(self) -> list[Draft]:
        return [draft for draft in self._held if isinstance(draft.event, Undecodable)]

    def _clear(self) -> list[Draft]:
        held, self._held, self._bytes, self.awake = self._held, [], 0, False
        return held

    def _payloads(self) -> list[bytes]:
        return [draft.event.sse.data or b"" for draft in self._parts() if draft.event.sse is not None]

    def _joined(self, glue: bytes) -> Draft | None:
        """The held events as one document, when together they are one."""
        payload = glue.join(self._payloads())
        if payload.lstrip()[:1] != b"{" or payload.rstrip()[-1:] != b"}":
            return None
        event = _object_of(payload.replace(b"\n", b"") if glue else payload)
        return self._made(event, "sse-json-split-across-events") if event is not None else None

    def _with_blank_line(self, draft: Draft) -> Draft | None:
        """A blank line inside a JSON string tears it into an event and lines that belong to nothing."""
        if not _is_stray(draft):
            return None
        before = [one for one in self._held if _is_stray(one)]
        made = self._with_lines([*before, draft])
        return made if made is not None or not before else self._with_lines([draft])  # those may be anybody's

    def _with_lines(self, strays: list[Draft]) -> Draft | None:
        """What is held together with lines that belong to nothing."""
        tails = [b"\n".join(text.removeprefix(b" ") for text in _comments_of(one)) for one in strays]
        begun, more = b"".join(self._payloads()), tuple(at for one in strays for at in one.sources)
        made = self._without_comment(b"\n\n".join((begun, *tails)), more)
        # Inside a string a line end is written as an escape; between two members it is white space, in a number or null
        # nothing.
        for blank, line_end in ((rb"\n\n", rb"\n"), (b" ", b" "), (b"", b"")):
            event = _object_of(blank.join((begun, *(tail.replace(b"\n", line_end) for tail in tails))))
            if made is None and event is not None:
                made = self._made(event, "sse-raw-newline-in-json", more)
                if blank.strip() and may_be_comment(begun):
                    self.state.account.cannot("sse-raw-newline-in-json", IN_DOUBT)
        if made is not None:
            self._held = [one for one in self._held if not any(one is stray for stray in strays)]
        return made

    def _without_comment(self, payload: bytes, more: tuple[int, ...] = ()) -> Draft | None:
        """Somebody on the way wrote a comment into the middle of an event."""
        without = without_comments(_escaped(payload))
        event = _object_of(without.payload) if without is not None else None
        return self._made(event, "sse-comment-inside-data", more) if event is not None else None

    def _made(self, event: StreamEvent, rule: str, more: tuple[int, ...] = ()) -> Draft:
        sources = (*self._sources(), *more)
        made = Draft(event, sources, [Change(rule, "", f"{len(sources)} events", "1 event")])
        reencode(made, named=self.state.api.names_events)
        return made

    def _sources(self) -> tuple[int, ...]:
        return tuple(at for draft in self._parts() for at in draft.sources)

    def _judge(self, last: bool) -> Iterator[Draft]:
        if last:
            answer = self._raw_answer()
            if answer is not None:
                yield from self._comments()
                yield from answer
                return
        before, self._before = self._before, []
        for draft in (*before, *self._clear()):
            yield self._alone(draft, last) if isinstance(draft.event, Undecodable) else draft

    def _alone(self, draft: Draft, last: bool) -> Draft:
        event = draft.event
        assert isinstance(event, Undecodable)
        data, at = (event.sse.data or b"").strip(), min(draft.sources, default=None)
        if not data:
            draft.event = comment(b"")
            draft.changes.append(Change("sse-empty-data-event", "", "data:", ":"))
            return draft
        truncated = any(fault.kind is FaultKind.TRUNCATED for fault in event.faults)
        broken = last and data[:1] == b"{" and _UNTERMINATED in {one.rule for one in draft.changes}
        if self.state.unsafe and data[:1] in b"{b" and (value := _python_value(data)) is not None:
            name = event.sse.event if self.state.api.names_events else None
            made = read_event(frame(encode_json(value), name))  # a chunk, or an error
            draft.event = made if name or not isinstance(made, Chunk | ErrorPayload) else type(made)(None, made.json)
            draft.changes.append(Change("json-python-repr", "", data[:80], ABSENT))
        elif ((truncated and last) or broken) and not self._told:
            self.state.cut_tail = True
            self.state.account.cannot("json-truncated", "the stream breaks off inside an event", at)
            draft.event = error_event("the upstream broke off inside an event", "upstream_truncated")
            draft.changes.append(Change(_UNTERMINATED, "", data[:200], ABSENT))
            draft.changes.append(Change(_UNTERMINATED, "error", ABSENT, dict(draft.json["error"]), Origin.INVENTED))
        elif event.decoded and type(event.value) is not dict and (self.state.unsafe or says_nothing(event.value)):
            draft.event = comment(b" " + data)
            draft.changes.append(Change("json-not-object", "", data, ":"))
        elif event.decoded or truncated or data[:1] == b"{" or data.startswith((b"b'", b'b"')):
            self.state.account.cannot(_why(event), _UNCLEAR, at)
        elif not last and draft.came_named not in ERROR_EVENTS:
            # The answer goes on: an error event here would end it for every client.
            self.state.account.cannot("plain-text-in-data", "what the text between two chunks means is not known", at)
            draft.event = comment(b" " + data.replace(b"\n", b" "))
            draft.changes.append(Change("plain-text-in-data", "", data[:200], ":"))
        else:
            text = data.decode("utf-8", "replace")
            draft.event = error_event(text[:2000], "upstream_invalid_response")
            draft.changes += worded("plain-text-in-data", text[:200], draft.event)
        return draft

    def _raw_answer(self) -> list[Draft] | None:
        """GLM-4's answer, or tool call, sent once more as raw text after its beginning went out as content."""
        payload = b"\n".join(self._payloads()).decode("utf-8", "replace")
        sources = self._sources()
        said = self.state.texts.text()
        if not said or self._translates or self.state.finished or self.state.errors:
            return None
        name, _, rest = payload.strip().partition("\n")
        if self.state.tools and name.strip() in self.state.tools and said.strip() in (name.strip(), ""):
            return self._tool_call(name.strip(), rest.strip(), sources)
        if not payload.startswith(said) or said.strip() in _JSON_BEGINS:
            return None
        pieces: list[Draft] = []
        if payload != said:
            pieces.append(_content(payload[len(said) :], sources))
            self.state.texts.add(0, payload[len(said) :])
        return [*pieces, _finish("stop", sources)]

    def _tool_call(self, name: str, arguments: str, sources: tuple[int, ...]) -> list[Draft] | None:
        try:
            if not isinstance(json.loads(arguments), dict):
                return None
        except (ValueError, RecursionError):
            return None
        call = {"index": 0, "type": "function", "function": {"name": name, "arguments": arguments}}
        change = Change("plain-text-in-data", "choices[0].delta.tool_calls", ABSENT, [dict(call)])
        return [Draft(_chunk({"tool_calls": [call]}), sources, [change]), _finish("tool_calls", sources)]


def _is_empty(chunk: JsonObject) -> bool:
    """Whether a chunk without choices says nothing; usage that is no object is none, and goes."""
    usage = chunk.get("usage")
    return chunk_says_nothing(chunk if type(usage) is dict else {**chunk, "usage": None})


def _is_stray(draft: Draft) -> bool:
    """Whether it was lines of an event without any field."""
    return isinstance(draft.event, Comment) and any(change.rule == "sse-stray-line" for change in draft.changes)


def _comments_of(draft: Draft) -> tuple[bytes, ...]:
    return draft.event.sse.comments if draft.event.sse is not None else ()


def _escaped(payload: bytes) -> bytes:
    """A payload whose bytes that JSON may not hold raw, but for line ends, are escapes."""
    escaped = _RAW_CONTROL.sub(lambda found: b"\\u%04x" % found.group()[0], payload)
    return STRING.sub(lambda found: found.group().replace(b"\t", rb"\t"), escaped) if b"\t" in escaped else escaped


def _object_of(payload: bytes) -> Chunk | ErrorPayload | None:
    """The event whose data a payload is, where it is one object; a key that was torn at a line end is whole again."""
    event = read_event(frame(_escaped(payload)))
    if not isinstance(event, Chunk | ErrorPayload):
        return None
    return type(event)(None, event.json, event.faults) if whole_keys(event.json) or b"\n" in payload else event


def _why(event: Undecodable) -> str:
    data = (event.sse.data or b"").strip()
    if data[:2] in (b"{'", b"b'"):
        return "json-python-repr"
    if event.decoded and not event.faults:
        return "json-not-object"
    return "sse-json-split-across-events"


def _chunk(delta: JsonObject, finish: str | None = None) -> Chunk:
    return Chunk(None, {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _content(text: str, sources: tuple[int, ...]) -> Draft:
    return Draft(
        _chunk({"content": text}), sources, [Change("plain-text-in-data", "choices[0].delta.content", ABSENT, text)]
    )


def _finish(reason: str, sources: tuple[int, ...]) -> Draft:
    """The finish of an answer that the upstream sent whole: that says that it is over."""
    change = Change("finish-reason-missing", "choices[0].finish_reason", ABSENT, reason)
    return Draft(_chunk({}, reason), sources, [change])


def _python_value(data: bytes) -> JsonObject | None:
    text = data.decode("utf-8", "replace")
    if len(text) > 1 << 16:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a capture's bytes is nobody's business
            value: Any = ast.literal_eval(text)
        if isinstance(value, bytes):
            value = json.loads(value.removeprefix(b"data:").strip())
        json.dumps(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return value if isinstance(value, dict) else None
