"""Events framed as OpenAI frames them: ``data: `` and one line of JSON, LF, a blank line; comments on their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.repair import Change, Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.repairs.lines import Lines
from streamlab.wire import inserted
from streamlab.wire.error_objects import ERROR_EVENTS, failed_without_data, hides_finish
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.inserted import is_open, spliced, whole_first, without_comments
from streamlab.wire.json_values import as_it_is, objects_in, split_values, whole_keys, without_nan
from streamlab.wire.payload import FaultKind, JsonObject, decode_payload, encode_json
from streamlab.wire.reading import Fact
from streamlab.wire.sse import BOM, ServerSentEvent
from streamlab.wire.stream import read_event
from streamlab.wire.told_errors import told_error

#: Line ends to some readers, though not to SSE: legal in JSON, written as escapes here.
SEPARATORS = lazy_pattern(rb"\xe2\x80[\xa8\xa9]|\xc2\x85")
_ESCAPES = {b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029", b"\xc2\x85": rb"\u0085"}
_DOUBLED = lazy_pattern(rb"\A(?:data:\s*)+")
#: A string, or what is left of one: else an escaped quote in it is looked at as the beginning of another.
STRING = lazy_pattern(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_CONTROL = lazy_pattern(rb"[\x00-\x1f]")
_PINGS = frozenset({b"ping", b"keepalive", b"keep-alive", b"heartbeat"})
_MAX_REPR = 1 << 16
_PARTED = Change("sse-comment-keepalive", "", now="an event of its own")
_FAULT_RULES = {
    FaultKind.DUPLICATE_KEYS: "json-duplicate-keys",
    FaultKind.NAN: "json-nan-infinity",
    FaultKind.INVALID_UTF8: "invalid-utf8",
}


def frame(payload: bytes, event: bytes | None = None, start: int = 0) -> ServerSentEvent:
    """One event that carries ``payload``, framed as OpenAI does; ``event`` names it (Responses API)."""
    payload = SEPARATORS.sub(lambda match: _ESCAPES[match.group()], payload) if payload[:1] in b"{[" else payload
    body = b"".join(b"data: " + line + b"\n" for line in payload.split(b"\n")) + b"\n"
    head = b"event: " + event + b"\n" if event is not None else b""
    return ServerSentEvent(head + body, start, payload, event is None and b"\n" not in payload, True, event)


def comment(text: bytes) -> Comment:
    """A comment event; ``text`` is what follows the colon."""
    text = text.replace(b"\r", b" ").replace(b"\n", b" ").decode("utf-8", "replace").encode()
    return Comment(ServerSentEvent(b":" + text + b"\n\n", 0, comments=(text,)))


class Framing(Repair):
    """Every event as ``data: ...`` and a blank line; payloads that hold several events, or none, are taken apart."""

    rules = (
        "sse-bom",
        "sse-field-order",
        "sse-line-endings",
        "sse-no-space-after-colon",
        "sse-extra-leading-space",
        "sse-invalid-field-name",
        "sse-double-data-prefix",
        "sse-missing-blank-line",
        "sse-multiple-json-in-one-data",
        "sse-raw-newline-in-json",
        "sse-multi-data-lines",
        "sse-comment-rewrapped-as-data",
        "sse-comment-inside-data",
        "sse-comment-keepalive",
        "sse-spliced-frames",
        "sse-event-without-data",
        "sse-stray-line",
        "sse-extra-blank-lines",
        "sse-id-plus-extra-blank-line",
        "sse-event-name-on-chat",
        "sse-ping-event-with-data",
        "sse-unterminated-final-event",
        "sse-ndjson-instead",
        "sse-unicode-line-separators",
        "sse-nul-byte",
        "sse-done-variant",
        "error-field-line",
        "json-not-object",
        "json-nan-infinity",
        "json-duplicate-keys",
    )
    stage = Stage.FRAMING
    minds = 0
    on = Fact.FRAMING | Fact.FAULTS | Fact.UNDECODABLE | Fact.DONE | Fact.WIDE | Fact.TYPED
    apis = Scope.JUDGED

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._api, self._foreign = state.api, not state.api.judged  # what is translated is read by its own API
        self._names = state.api.names_events
        self._at_home, self._pings = state.api.keepalive_types, not state.api.tells_pings

    def event(self, draft: Draft) -> Drafts:
        event, sse = draft.event, draft.event.sse
        if sse is None:
            return (draft,)
        if sse.plain and isinstance(event, Chunk | ErrorPayload):
            if self._is_ping(event):
                draft.event = comment(b" ping")
                draft.changes.append(Change("sse-ping-event-with-data", "", sse.data, ":"))
                return (draft,)
            reencode(draft, named=self._names)
            return (draft,)
        if type(event) is Done and sse.plain and not event.variant:
            return (draft,)
        if self._names and sse.named_plainly and isinstance(event, Chunk | ErrorPayload):
            reencode(draft, named=self._names)
            return (draft,)
        return tuple(self._taken_apart(draft, sse))

    def _taken_apart(self, draft: Draft, sse: ServerSentEvent) -> Iterator[Draft]:
        lines = self._sorted(sse)
        if lines is None:
            yield Draft(_torn(sse), draft.sources, draft.changes)
            return
        if sse.raw[:1] in (b"\r", b"\n") and sse.raw.strip(b"\r\n"):
            lines.rules["sse-extra-blank-lines"] = sse.raw[: len(sse.raw) - len(sse.raw.lstrip(b"\r\n"))][:40]
        if not self._names and lines.event is not None:
            lines.rules["sse-event-name-on-chat"] = lines.event[:80]
        if self._names and lines.data_first:
            lines.rules["sse-field-order"] = "data before event"
        answers = any(b'"choices"' in one for one in lines.payload)  # a chunk that ran into the ping, or is called so
        at_home = (lines.event or b"").decode("utf-8", "replace") in self._at_home
        typed = self._names and type(decode_payload(b"\n".join(lines.payload)).value) is dict  # its API says what it is
        if self._pings and lines.event in _PINGS and not (at_home or answers or typed):
            lines.rules["sse-ping-event-with-data"] = lines.event
            lines.comments.append(b" " + (lines.event or b""))
            lines.payload.clear()
        if not self._names and failed_without_data(sse):
            lines.rules["sse-event-without-data"] = lines.event or b""
            said = b" ".join(text.strip() for text in lines.comments) or b"the upstream reports a failure and no reason"
            lines.payload = [encode_json({"error": said.decode("utf-8", "replace")})]
            lines.comments.clear()
        kept = self._comments(lines, sse)
        made: list[StreamEvent] = [kept] if kept is not None else []
        if lines.payload:
            made += self._payload(lines, sse)
        if not made:
            made += self._without_data(draft, lines, sse)
        parted = [_PARTED] if kept is not None and len(made) > 1 and not lines.rules else []
        if len(made) == 1 and made[0].sse is not None:
            same = not lines.rules and sse.data is not None and made[0].sse.data == sse.data
            if same or made[0].sse.raw == sse.raw:
                yield Draft(draft.event if same else made[0], draft.sources, draft.changes)
                return
        for event in made:
            told = [*(parted if event is kept else ()), *lines.changes_of(event)]
            one = _made_of(draft, event, told)
            reencode(one, named=self._names)
            yield one

    def _without_data(self, draft: Draft, lines: Lines, sse: ServerSentEvent) -> list[StreamEvent]:
        """What is left of a chunk tells that the answer was not cut; anything else goes."""
        if not hides_finish(sse.raw):
            blank = not sse.raw.removeprefix(BOM).strip(b"\r\n")  # behind the last event
            self.state.account.drop(draft, "sse-extra-blank-lines" if blank else "sse-event-without-data")
            return []
        lines.rules["sse-event-without-data"] = sse.raw[:80]
        return [comment(b" " + sse.raw.strip())]

    @staticmethod
    def _sorted(sse: ServerSentEvent) -> Lines | None:
        """The lines of an event; those that are no field go on with the data only where that makes sense of it. None
        where that is still open: the JSON is torn at its line ends, and elsewhere too."""
        lines = Lines(sse)
        if "sse-raw-newline-in-json" not in lines.rules:
            return lines
        payload = _DOUBLED.sub(b"", b"\n".join(lines.payload))
        escaped = STRING.sub(lambda match: _CONTROL.sub(_escape, match.group()), payload)
        sound = (
            any(map(_is_sound, (split_values(payload), split_values(escaped)))) or without_comments(payload) is not None
        )
        torn = payload.replace(b"\n", b"")
        if not sound and (is_open(torn) or inserted.comment_at_end(torn) is not None):
            return None
        return lines if sound else Lines(sse, joins=False)

    def _comments(self, lines: Lines, sse: ServerSentEvent) -> Comment | None:
        """Comments go before the data of their event; a stray line becomes one, so that nothing is lost."""
        if lines.stray:
            lines.rules["sse-stray-line"] = lines.stray[0][:80]
        if not lines.payload and sse.raw.strip():
            self.state.no_answer.add_stray(sse.raw)
        found = [*lines.comments, *(b" " + line for line in lines.stray)]  # exact: it may be the rest of a payload
        if not found:
            return None
        clean = [*lines.comments, *(b" " + line.decode("utf-8", "replace").encode() for line in lines.stray)]
        raw = b"".join(b":" + text + b"\n" for text in clean) + b"\n"
        if not lines.payload and not lines.stray and not lines.rules and raw == sse.raw:
            return Comment(sse)
        return Comment(ServerSentEvent(raw, sse.start, comments=tuple(found)))

    def _payload(self, lines: Lines, sse: ServerSentEvent) -> list[StreamEvent]:
        payload = b"\n".join(lines.payload)
        if payload[:1] in b" \t" and payload.strip():
            lines.rules["sse-extra-leading-space"] = payload[:20]
            payload = payload.strip(b" \t")
        if (bare := _DOUBLED.sub(b"", payload)) != payload:
            lines.rules["sse-double-data-prefix"] = payload[:20]
            lines.payload = [_DOUBLED.sub(b"", one) for one in lines.payload]
            payload = b"\n".join(lines.payload).strip() if b"\n" in bare else bare.strip()
        if payload.startswith(b":") and payload.count(b"}") <= payload.count(b"{"):  # else it is the rest of JSON
            lines.rules["sse-comment-rewrapped-as-data"] = payload[:80]
            return [comment(payload[1:].replace(b"\n", b" "))]
        name = lines.event if self._names else None
        event = read_event(frame(payload, name, sse.start))
        if isinstance(event, ErrorPayload) and any(fault.kind is FaultKind.TRAILING_TEXT for fault in event.faults):
            odd = Undecodable(frame(payload, name, sse.start), event.faults, True, event.json)
            parts = self._undecodable(odd, payload, lines, name)
            return [self._one_line(event, lines)] if isinstance(parts[0], Undecodable) else parts
        if not isinstance(event, Undecodable):
            if lines.lines_of_data > 1:
                lines.rules["sse-multi-data-lines"] = f"{lines.lines_of_data} lines"
            return [self._one_line(event, lines)]
        return self._undecodable(event, payload, lines, name)

    def _is_ping(self, event: StreamEvent) -> bool:
        if "ping" in self._at_home or not self._pings or not isinstance(event, Chunk):
            return False
        return event.json.get("type") == "ping" and not event.json.get("choices")

    def _one_line(self, event: StreamEvent, lines: Lines) -> StreamEvent:
        if isinstance(event, Done) and event.variant:
            lines.rules["sse-done-variant"] = event.sse.data if event.sse is not None else b""
            return Done(None)
        if self._is_ping(event):
            lines.rules["sse-ping-event-with-data"] = "ping"
            return comment(b" ping")
        own = self._foreign and isinstance(event, Chunk) and self._api.recognises(event.json)
        told = None if own or self._names or not isinstance(event, Chunk) else told_error(event.json, lines.event)
        if told is not None and lines.event is not None:
            return _as_error(event, told, lines)
        if isinstance(event, Chunk | ErrorPayload) and event.sse is not None and b"\n" in (event.sse.data or b""):
            return _as_one(event, lines.event if self._names else None)
        return event

    def _several(self, payload: bytes, lines: Lines, name: bytes | None) -> list[StreamEvent]:
        """The events whose payloads came as one; none where they did not."""
        values = [one.replace(b"\n", b"") for one in split_values(payload) or []]
        for found, each_a_line in ((values, len(values) == len(lines.names)), (whole_first(lines.payload), True)):
            own = lines.names[: len(found)] if each_a_line else [None] * len(found)
            names = own if self._names and each_a_line else [name] * len(found)
            parts = [read_event(frame(part, called)) for part, called in zip(found, names, strict=True)]
            sound = parts if found is values else parts[:-1]
            if len(parts) > 1 and not any(isinstance(part, Undecodable) for part in sound):
                torn = b"\n" in payload
                lines.rules["sse-missing-blank-line" if torn else "sse-multiple-json-in-one-data"] = (
                    f"{len(parts)} payloads"
                )
                if torn:  # the blank line behind the last of them is one of those that are missing
                    lines.rules.pop("sse-unterminated-final-event", None)
                told = [None] * len(parts) if self._names else own
                made = [self._one_of_several(part, called, lines) for part, called in zip(parts, told, strict=True)]
                if each_a_line:
                    lines.unnamed += [part for part, called in zip(made, own, strict=True) if called is None]
                return [*made[:-1], *self._last_of_several(made[-1], len(parts) - 1, lines, names[-1])]
        return []

    def _one_of_several(self, part: StreamEvent, name: bytes | None, lines: Lines) -> StreamEvent:
        """One of several payloads that came as one event; ``name`` is that before it, where events have none."""
        own = self._foreign and isinstance(part, Chunk) and self._api.recognises(part.json)
        told = told_error(part.json, name) if name is not None and isinstance(part, Chunk) and not own else None
        if told is not None:
            return _as_error(part, told, lines)
        return self._one_line(part, lines) if isinstance(part, Done) else part

    def _last_of_several(self, part: StreamEvent, before: int, lines: Lines, name: bytes | None) -> list[StreamEvent]:
        """The last of them, which may be anything that an event of its own may be, on several lines."""
        if not isinstance(part, Undecodable):
            torn = isinstance(part, Chunk | ErrorPayload) and part.sse is not None and b"\n" in (part.sse.data or b"")
            return [_as_one(part, name) if torn else part]  # type: ignore[arg-type]
        rest = copy(lines)
        rest.payload, rest.names = lines.payload[before:], lines.names[before:]
        payload = b"\n".join(rest.payload)
        if payload[:1] in b" \t" and (bare := payload.strip(b" \t")):  # as of an event of its own
            lines.rules["sse-extra-leading-space"] = payload[:20]
            part, payload = read_event(frame(bare, name)), bare
        return self._undecodable(part, payload, rest, name) if isinstance(part, Undecodable) else [part]

    def _undecodable(self, event: Undecodable, payload: bytes, lines: Lines, name: bytes | None) -> list[StreamEvent]:
        """A payload that is no JSON object: several events in one, raw control bytes, a list of chunks."""
        if several := self._several(payload, lines, name):
            return several
        escaped = STRING.sub(lambda match: _CONTROL.sub(_escape, match.group()), payload)
        if escaped != payload:
            again = read_event(frame(escaped.replace(b"\n", b""), name))
            if not isinstance(again, Undecodable):
                if b"\n" not in payload:
                    lines.rules["sse-nul-byte"] = "raw control byte"
                else:
                    lines.rules.setdefault("sse-raw-newline-in-json", payload[:80])
                if isinstance(again, Chunk | ErrorPayload) and whole_keys(again.json):
                    again = _as_one(again, name)
                return [again]
        if (without := without_comments(payload) or inserted.comment_behind(payload)) is not None:
            lines.rules["sse-comment-inside-data"] = b" ".join(without.inserted)
            taken = [comment(text.removeprefix(b":")) for text in without.inserted]
            return [*taken, self._one_line(read_event(frame(without.payload, name)), lines)]
        if inserted.comment_at_end(payload) is None and (parted := spliced(payload)) is not None:
            lost, whole = parted
            lines.rules["sse-spliced-frames"] = lost[:200]
            self.state.account.cannot("sse-spliced-frames", "what the cut frame said is lost")
            return [self._one_line(read_event(frame(one, name)), lines) for one in whole]
        if event.decoded and (inner := objects_in(event.value)):
            lines.rules["json-not-object"] = "array" if type(event.value) is list else "text"
            return [read_event(frame(value, name)) for value in inner]
        if not self._names and (lines.event or b"").strip().lower() in ERROR_EVENTS:
            lines.rules.pop("sse-event-name-on-chat", None)  # all that is known of it
            return [read_event(frame(payload, lines.event))]
        return [event]


def _made_of(came: Draft, event: StreamEvent, told: list[Change]) -> Draft:
    """What an event that came says, framed anew."""
    made = Draft(event, came.sources, [*came.changes, *told])
    made.line = came.line if event.sse is None else made.line
    return made


def reencode(draft: Draft, *, named: bool) -> None:
    """Give a decoded payload clean JSON where its own is not. ``named`` says whether events have names."""
    event = draft.event
    if not isinstance(event, Chunk | ErrorPayload):
        return
    for fault in event.faults:
        rule = _FAULT_RULES.get(fault.kind)
        if rule is not None:
            exact = event.sse.data if fault.kind is FaultKind.INVALID_UTF8 and event.sse is not None else None
            draft.note(rule, "", exact or fault.detail)
            if fault.kind is FaultKind.NAN:
                without_nan(event.json)
    if draft.event.sse is None and event.sse is not None:
        draft.event = _as_one(event, event.sse.event if named else None)
    sse = draft.event.sse
    if sse is not None and SEPARATORS.search(sse.raw):
        draft.event = read_event(frame(sse.data or b"", sse.event if named else None, sse.start))
        draft.changes.append(Change("sse-unicode-line-separators", "", "raw", "escaped"))


def _as_one(event: Chunk | ErrorPayload, name: bytes | None) -> Chunk | ErrorPayload:
    """The event with its JSON written anew, under its name where it has one."""
    kind = ErrorPayload if event.json.get("error") else type(event)  # its key may have got whole
    return kind(frame(encode_json(event.json), name) if name else None, event.json, event.faults)


def _as_error(event: StreamEvent, told: JsonObject, lines: Lines) -> ErrorPayload:
    """The error that an object tells of by the name of its event."""
    lines.rules["error-flat-object"] = event.json if isinstance(event, Chunk) else b""
    lines.now["error-flat-object"] = {"error": as_it_is(told)}
    return ErrorPayload(None, {"error": told})


def _torn(sse: ServerSentEvent) -> StreamEvent:
    """An event whose JSON goes on in lines that are no field, and is open at their end; its bytes as they came."""
    payload = b"".join(Lines(sse).payload).replace(b"\n", b"")
    return read_event(ServerSentEvent(sse.raw, sse.start, payload, terminated=sse.terminated, event=sse.event))


def _is_sound(values: list[bytes] | None) -> bool:
    return values is not None and all(decode_payload(part.replace(b"\n", b"")).ok for part in values)


def _escape(match: re.Match[bytes]) -> bytes:
    byte = match.group()
    return {b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t"}.get(byte, b"\\u%04x" % byte[0])
