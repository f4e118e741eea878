"""The story so far of one exchange: what every rule may read and only the analyzer writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.rules.api import Api
from streamlab.wire import reading
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.bad_payloads import MisfitReader
from streamlab.wire.bodies import BodyKind
from streamlab.wire.calls import CallReader, Fragment
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.reading import FactReader


class Context:
    """What is known of an exchange while it is read. Unknown is None, never a guess."""

    def __init__(
        self,
        request: Request | None,
        head: ResponseHead | None,
        api: Api,
        recognise: Callable[[Any], Api],
        notes: dict[str, Any] | None = None,
    ) -> None:
        self.request = request
        self.head = head
        self.api = api
        #: The API that the path of the request names.
        self.api_asked = api
        #: The API that a JSON value betrays.
        self.recognise = recognise
        self.notes = notes or {}
        self.request_known = request is not None and request.body is not None
        body = decode_payload(request.body).value if request is not None and request.body else None
        #: The request's JSON object; empty when unknown.
        self.body: JsonObject = body if isinstance(body, dict) else {}
        #: Names of the tools the request offers; None when the request is unknown.
        self.tools: frozenset[str] | None = reading.request_tools(self.body) if self.request_known else None
        self.accumulator = Accumulator()
        self.reader = FactReader()
        #: All tool calls so far. A rule that judges their fragments waits for Fact.FRAGMENT and asks for ``fragments``.
        self.calls = CallReader()
        #: Undecodable events; rules/bad_payloads.py asks it.
        self.misfits = MisfitReader()
        self.timing_known = False

        # the event being judged
        self.facts = 0
        self.offset_us: int | None = None

        # counts, up to and including the event being judged
        self.events = 0
        self.chunks = 0
        self.data_events = 0
        self.content_events = 0  # chunks that add text, reasoning, refusal, tool call or legacy text
        self.first_chunk: JsonObject | None = None
        self.last_chunk: JsonObject | None = None
        self.last_chunk_at: int | None = None
        #: event numbers; None while not seen
        self.first_content_at: int | None = None
        self.done_at: int | None = None
        self.error_at: int | None = None
        self.finish_at: dict[int, int] = {}  # choice index -> event of its first finish_reason
        self.finish_values: dict[int, str] = {}  # choice index -> first finish_reason that is a string and not ""
        self.retirements = 0

        # known at the end
        self.ending: Ending | None = None
        self.end_us: int | None = None
        self.kind = BodyKind.EMPTY  # judged at the end, from `prefix`
        self.prefix = b""  # the first bytes of the decoded body (wire/bodies.PREFIX_BYTES)
        self.body_bytes = 0  # as sent
        self.decoded_bytes = 0
        self.coding_fault: str | None = None
        self.segments = 0
        self.last_read_us: int | None = None
        self.http_chunked: bool | None = None

    def fragments(self, at: int, event: StreamEvent) -> tuple[Fragment, ...]:
        """The tool call fragments of the event being judged that are more than the next piece of arguments."""
        return self.calls.read(at, event, self.offset_us)

    @property
    def streamed(self) -> bool:
        """Whether a stream was asked for; where the request is unknown, whether one came."""
        if self.request_known and self.body:
            return self.body.get("stream") is True
        content_type = self.content_type or ""
        return "event-stream" in content_type or self.kind is BodyKind.SSE

    @property
    def content_type(self) -> str | None:
        """The media type in lower case, without parameters; None when there was none."""
        value = self.head.header("content-type") if self.head is not None else None
        return value.split(";")[0].strip().lower() if value is not None else None

    @property
    def include_usage(self) -> bool | None:
        """Whether the request asks for usage; None when the request is unknown."""
        if not self.request_known:
            return None
        return reading.as_object(self.body.get("stream_options")).get("include_usage") is True

    @property
    def n(self) -> int | None:
        """How many choices were asked for; None when the request is unknown."""
        if not self.request_known:
            return None
        value = self.body.get("n")
        return value if type(value) is int and value > 0 else 1

    @property
    def finished(self) -> bool:
        """Whether every choice seen has had a finish_reason."""
        return bool(self.accumulator.choices) and all(index in self.finish_at for index in self.accumulator.choices)

    @property
    def whole_json(self) -> Any:
        """The body as one JSON value, when it is one and is short enough to have been kept; else None."""
        if self.kind is not BodyKind.JSON or self.decoded_bytes > len(self.prefix):
            return None
        payload = decode_payload(self.prefix)
        return payload.value if payload.ok else None
