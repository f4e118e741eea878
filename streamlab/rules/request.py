"""What a request asks for, read once for everybody."""

from __future__ import annotations

from enum import Enum, auto

from streamlab.exchange import Request
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject, decode_payload


class RequestBody(Enum):
    """What is known of a request's body."""

    ABSENT = auto()  # there is no request, or its body was not kept
    OBJECT = auto()  # a JSON object
    OTHER = auto()  # something else: empty, no JSON, or JSON that is no object


class RequestReading:
    """The JSON object of a request, and what is asked for in it.

    Only a JSON object asks for anything: where the body is absent or something else, ``known`` is False, ``body`` is
    empty, and what depends on it is None.
    """

    __slots__ = ("body", "kind", "strict", "tools")

    def __init__(self, request: Request | None) -> None:
        value = decode_payload(request.body).value if request is not None and request.body else None
        if request is None or request.body is None:
            self.kind = RequestBody.ABSENT
        else:
            self.kind = RequestBody.OBJECT if isinstance(value, dict) else RequestBody.OTHER
        self.body: JsonObject = value if isinstance(value, dict) else {}
        #: Names of the tools that are offered.
        self.tools: frozenset[str] | None = reading.request_tools(self.body) if self.known else None
        #: Whether one of them is strict.
        self.strict: bool | None = _has_strict_tool(self.body) if self.known else None

    @property
    def known(self) -> bool:
        """Whether it is known what is asked for."""
        return self.kind is RequestBody.OBJECT

    @property
    def n(self) -> int | None:
        """How many choices are asked for."""
        if not self.known:
            return None
        value = self.body.get("n")
        return value if type(value) is int and value > 0 else 1

    @property
    def include_usage(self) -> bool | None:
        """Whether usage is asked for."""
        if not self.known:
            return None
        return reading.as_object(self.body.get("stream_options")).get("include_usage") is True

    def forget(self) -> None:
        """Know nothing any more: from here on the stream is read as that of another API."""
        self.kind, self.body, self.tools, self.strict = RequestBody.ABSENT, {}, None, None


def _has_strict_tool(body: JsonObject) -> bool:
    tools = map(reading.as_object, reading.as_list(body.get("tools")))
    return any(reading.as_object(tool.get("function", tool)).get("strict") is True for tool in tools)
