"""See the class."""

from __future__ import annotations

import re
from typing import Any

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.losses import told_loss
from streamlab.rules.sources import SSE
from streamlab.rules.whole import Whole
from streamlab.wire import reading
from streamlab.wire.bodies import BodyKind
from streamlab.wire.json_values import split_values
from streamlab.wire.payload import FaultKind, decode_payload
from streamlab.wire.sse import BOM
from streamlab.wire.told_errors import told_error

_QUOTED = 60
_FIELDS = frozenset({b"", b"data", b"event", b"id", b"retry"})
#: An error that has no data, which sse-event-without-data tells of.
_FAILED = lazy_pattern(rb"^event: ?error\b", re.MULTILINE)
_PARTS = "a multipart body"
#: A part of a multipart body: its boundary, and at least one line of its head.
_MULTIPART = lazy_pattern(rb"\s*--[\w'()+,./:=?-]{1,70}\r?\n(?:[A-Za-z][A-Za-z-]*:[^\r\n]*\r?\n)+\r?\n")


class BodyNotEventStream(Rule):
    """The server says 200, and the body is no event stream: plain text, a JSON scalar, binary data, a multipart body,
    or nothing but comments, fields without data, and events that hold nothing.

    What holds nothing is ``data:``, ``null``, ``{}``, ``[]``, and a heartbeat in the clothes of a chunk, ``[DONE]``
    behind them or not. What rules on these say of each is part of it.

    Judged where a stream was asked for, or, where the request is unknown, where the body is labelled as one, and only
    when the response ended properly. A web page, a whole completion, an error as JSON and JSON without framing are
    deviations of their own.

    ## What OpenAI does
    Sends events with data, whatever the answer.

    ## Why it matters
    Readers of event streams ignore what is no field: clients find no event in ``upstream connect error`` and hand out
    an empty answer without an error. Retries and fail-over go by the status and never happen.

    ## Repair
    None: there is no answer in it. An error event says so, with the first bytes in its message, so that clients raise.
    Events in the parts of a multipart body are kept, and what parts them becomes comments.
    """

    name = "body-not-event-stream"
    severity = Severity.ERROR
    source = SSE
    of_some = Repairability.SAFE
    apis = Scope.EVERY
    ends_after = Whole.NO_STREAM | Whole.HOLLOW
    instead_of = frozenset(
        {
            "choices-empty-non-usage",
            "choices-missing-or-null",
            "done-missing",
            "finish-reason-missing",
            "json-not-object",
            "keepalive-chunk",
            "messages-truncated",
            "sse-comment-keepalive",
            "sse-empty-data-event",
            "sse-event-name-on-chat",
            "sse-event-without-data",
            "sse-ping-event-with-data",
            "sse-stray-line",
        }
    )

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.head is None or ending is not Ending.COMPLETE or ctx.received.coding_fault is not None:
            return
        what = self._what() if self._is_stream_wanted() else None
        if what is None:
            return
        start = ctx.received.prefix[:_QUOTED].decode("utf-8", "replace")
        read = what == _PARTS and (ctx.seen.data_events or b"\n{" in ctx.received.prefix)
        yield self.found(
            f"the body is {what}{'' if ctx.seen.hollow else ', not an event stream'}: {quote(start, _QUOTED + 40)}",
            span=(0, ctx.received.decoded_bytes),
            expected=ctx.api.stream_start,
            actual=start,
            repairability=Repairability.SAFE if read else told_loss(ctx),
        )

    def _is_stream_wanted(self) -> bool:
        ctx = self.ctx
        if ctx.request is not None and ctx.request.method.upper() in ("HEAD", "OPTIONS"):
            return False
        if ctx.request_known:
            return ctx.api.asks_for_stream(ctx.body, ctx.request.url if ctx.request is not None else "")
        return ctx.content_type == "text/event-stream"

    def _what(self) -> str | None:
        """What the body is instead, in words; None where it is an event stream, or another rule's affair."""
        ctx = self.ctx
        received = ctx.received
        if ctx.received.foreign is not None or ctx.api.recognises_bytes(received.prefix):
            return None
        if _MULTIPART.match(received.prefix):
            return _PARTS
        if received.kind is BodyKind.TEXT:
            return None if ctx.content_type == "text/html" else _of_text(received.prefix)
        if received.kind is BodyKind.SSE:
            return self._without_answer()
        if received.kind is BodyKind.JSON and received.decoded_bytes <= len(received.prefix):
            read = decode_payload(received.prefix)
            if any(fault.kind is FaultKind.TRAILING_TEXT for fault in read.faults):
                values = split_values(received.prefix.strip())
                return "JSON with text behind it" if values is None else "JSON objects in a row"
            if type(read.value) is list and not self._is_error(read.value):
                return None if self._is_asked_for(read.value) else "a JSON array"
            return None if self._is_told_elsewhere(read.value) else "JSON"
        if received.kind is BodyKind.NDJSON and not ctx.seen.data_events:
            return self._of_lines(received.prefix.splitlines())
        return None

    def _of_lines(self, lines: list[bytes]) -> str | None:
        """What lines that begin as JSON are; None where another rule tells."""
        objects = [decode_payload(line).value for line in lines if _is_object(line)]
        if not objects:
            return "text"
        apis = [self.ctx.recognise(value) for value in objects]
        if self.ctx.api_asked.judged or any(api.judged or api is self.ctx.api for api in apis):
            return None
        return "JSON objects in a row" + (", some of them broken" if len(objects) < len(lines) else "")

    def _without_answer(self) -> str | None:
        """What an event stream is in which nothing is said, in words; None where something is, or is no field."""
        seen, start = self.ctx.seen, self.ctx.received.prefix.removeprefix(BOM)
        done = seen.done_at is not None
        if seen.data_events > seen.hollow + done:
            return None
        lines = [line for line in start.splitlines() if line]
        names = {line.partition(b":")[0] for line in lines}
        strays = [line for line in lines if line.partition(b":")[0] not in _FIELDS]
        hidden = any(map(_is_told, strays))
        if hidden or _FAILED.search(start):
            return None
        if strays:
            what = "nothing but text"
        elif seen.hollow:
            what = "nothing but events that hold nothing"
        elif names <= {b"", b"data"}:
            return None if done else "nothing but comments"  # with [DONE] it is only-done
        else:
            what = "nothing but fields without data"
        return f"{what} and [DONE]" if done else what

    def _is_asked_for(self, values: list[Any]) -> bool:
        """Whether bare JSON is what the request asked for, and it is of the API."""
        url = self.ctx.request.url if self.ctx.request is not None else ""
        if self.ctx.content_type == "text/event-stream" or self.ctx.api.asks_for_events(url):
            return False
        return bool(values) and all(self.ctx.recognise(one) is self.ctx.api for one in values)

    def _is_told_elsewhere(self, value: Any) -> bool:
        """Whether JSON is a whole answer, a foreign one or an error, of which other rules speak."""
        if type(value) is not dict:
            return self._is_error(value)
        api = self.ctx.recognise(value)
        if self.ctx.api.is_whole_answer(value) or reading.is_whole_completion(value):
            return True
        return (api.name != "unknown" and not api.judged) or self._is_error(value)

    @staticmethod
    def _is_error(value: Any) -> bool:
        first = value[0] if type(value) is list and value else value
        return type(first) is dict and (bool(first.get("error")) or told_error(first) is not None)


def _is_told(line: bytes) -> bool:
    """Whether another rule speaks of a line that is no field: JSON, or the first line of JSON that is printed."""
    if line.strip() in (b"{", b"["):
        return True
    value = decode_payload(line).value
    return _is_object(line) or (type(value) is list and bool(value) and type(value[0]) is dict)


def _is_object(line: bytes) -> bool:
    read = decode_payload(line)
    return type(read.value) is dict and not any(fault.kind is FaultKind.TRAILING_TEXT for fault in read.faults)


def _of_text(start: bytes) -> str:
    """Text, a JSON value that is no object, or something binary."""
    if decode_payload(start).ok:
        return "a JSON value"
    strange = sum(byte < 9 or 13 < byte < 32 or byte == 127 for byte in start[:256])
    lost = start[:256].decode("utf-8", "replace").count("\ufffd") > 2 or b"\xef\xbf\xbd" in start[:256]
    return "binary data" if strange or lost else "text"
