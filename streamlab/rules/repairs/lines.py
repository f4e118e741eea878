"""The lines of one event, sorted by what they mean, or were meant to mean."""

from __future__ import annotations

import re
from typing import Any

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.repair import ABSENT, Change
from streamlab.wire import inserted
from streamlab.wire.error_objects import said_in_field
from streamlab.wire.events import StreamEvent
from streamlab.wire.inserted import chunk_behind, is_open, junk_before_data
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import ServerSentEvent

_LOOSE_DATA = lazy_pattern(rb"[ \t]*data[ \t]*:[ \t]?", re.IGNORECASE)
_OTHERS = frozenset({b"event", b"id", b"retry"})


class Lines:
    """The lines of one event, sorted by what they mean or were meant to mean."""

    def __init__(self, sse: ServerSentEvent, *, joins: bool = True) -> None:
        self.payload: list[bytes] = []
        self.names: list[bytes | None] = []  # of each line of data: the last name before it
        self._joins = joins  # a line that is no field goes on with the data before it
        self.comments: list[bytes] = []
        self.stray: list[bytes] = []
        self.rules: dict[str, Any] = {}
        self.now: dict[str, Any] = {}  # by such a rule, the JSON of what was made of the event
        self.event: bytes | None = None
        self.lines_of_data = 0
        self.data_first = False  # the name comes after the data
        self.unnamed: list[StreamEvent] = []  # what was made of lines before the name
        self._name_behind: bytes | None = None  # of the next event, on the line of this one's data
        self._bare: list[bytes] = []  # lines without a field name that were taken for data
        for line in sse.filled_lines():
            self._sort(line.content)
        if 0 < len(self._bare) < len(self.payload):
            self._let_broken_lines_go()
        if sse.has_bom:
            self.rules["sse-bom"] = "byte order mark"
        if b"\r" in sse.raw:
            self.rules["sse-line-endings"] = "CR"
        if not sse.terminated:
            self.rules["sse-unterminated-final-event"] = "no blank line"

    def changes_of(self, event: StreamEvent) -> list[Change]:
        """The changes by which one of the events came to be that were made of these lines."""
        unnamed = any(event is part for part in self.unnamed)
        rules = {rule: was for rule, was in self.rules.items() if not (unnamed and rule == "sse-event-name-on-chat")}
        return [Change(rule, "", was, self.now.get(rule, ABSENT)) for rule, was in rules.items()]

    def _sort(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        spaced = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            if colon and not value.startswith(b" "):
                self.rules["sse-no-space-after-colon"] = "data:"
            self._data(spaced)
        elif colon and not name and self.payload and is_open(self.payload[-1]) and _is_whole(self.payload[-1] + line):
            self.rules["sse-raw-newline-in-json"] = line[:80]  # before the colon of a member
            self.payload[-1] += b"\n" + line
        elif colon and not name and self._tears(line):
            self.payload[-1] += b"\n" + line  # its blank line tears the event: the rest comes behind
        elif colon and not name:
            self.comments.append(value)
        elif name in _OTHERS and b"{" in value and (junk := junk_before_data(line) or chunk_behind(line)) is not None:
            self.rules["sse-invalid-field-name"] = junk[0]
            self._data(junk[1])
        elif name == b"event":
            self.event, self.data_first = spaced, bool(self.payload)
        elif name in (b"id", b"retry"):
            self.rules["sse-id-plus-extra-blank-line"] = line[:80]
        elif name == b"error" and colon and not self.payload:
            self.rules["error-field-line"] = line[:80]
            self._data(said_in_field(spaced))
        elif match := _LOOSE_DATA.match(line):
            self.rules["sse-invalid-field-name"] = line[: match.end()]
            self._data(line[match.end() :])
        elif (junk := junk_before_data(line)) is not None:
            self.rules["sse-invalid-field-name"] = junk[0]
            self._data(junk[1])
        elif ((bare := inserted.bare_line(line))[:1] == b"{" or bare == b"[DONE]") and not self._goes_on(bare):
            self.rules["sse-ndjson-instead"] = "no field name"
            self._bare.append(bare)
            self._data(bare)
        elif self.payload and self._joins and not _is_whole(self.payload[-1]):
            self.rules["sse-raw-newline-in-json"] = line[:80]
            self.payload[-1] += b"\n" + line
        else:
            self.stray.append(line)

    def _let_broken_lines_go(self) -> None:
        """A line of broken JSON beside data: clients pass over it, and would raise were it an event."""
        broken = [at for at, one in enumerate(self.payload) if any(one is bare for bare in self._bare) and _breaks(one)]
        for at in reversed(broken):
            self.stray.insert(0, self.payload.pop(at))
            del self.names[at]
            self.lines_of_data -= 1
        if len(broken) == len(self._bare):
            del self.rules["sse-ndjson-instead"]

    def _goes_on(self, bare: bytes) -> bool:
        """Whether a brace opens an object inside the JSON before it, which is printed over several lines."""
        opens = self._joins and bare[:1] == b"{" and not _is_whole(bare)
        return opens and bool(self.payload) and is_open(self.payload[-1])

    def _tears(self, line: bytes) -> bool:
        # Of an event, the first comment alone: a keep-alive in the middle of its JSON.
        return bool(self.payload) and not self.comments and inserted.keeps_alive(line) and is_open(self.payload[-1])

    def _data(self, value: bytes) -> None:
        if self._name_behind is not None:
            self.event, self.data_first, self._name_behind = self._name_behind, True, None
        if (parted := inserted.name_behind(value)) is not None:
            value, self._name_behind = parted
            self.rules["sse-missing-blank-line"] = b"event:" + self._name_behind[:80]
        self.lines_of_data += 1
        self.payload.append(value)
        self.names.append(self.event)


def _breaks(line: bytes) -> bool:
    """Whether a line that begins an object holds none, and no end of the stream."""
    return line.strip() != b"[DONE]" and type(decode_payload(line).value) is not dict


def _is_whole(payload: bytes) -> bool:
    """Whether a payload is a JSON object that a further line cannot belong to."""
    return payload.rstrip()[-1:] == b"}" and decode_payload(payload).ok
