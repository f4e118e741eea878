"""What a request asks for, read once for everybody."""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from typing import Any

from streamlab.exchange import Request
from streamlab.record import Record
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject, decode_payload


class RequestBody(Enum):
    """What is known of a request's body."""

    ABSENT = auto()  # there is no request, or its body was not kept
    OBJECT = auto()  # a JSON object
    OTHER = auto()  # something else: empty, no JSON, or JSON that is no object


class _Read(Record, frozen=True):
    """What lies in the body of a request, which nobody changes; all None but ``value`` where that is no object."""

    value: Any
    tools: frozenset[str] | None = None
    strict: bool | None = None


#: Bodies up to this size are kept for whoever reads the same request next: rules, repairs, and those of each cutting.
_KEPT_BYTES = 65_536


class RequestReading:
    """The JSON object of a request, and what is asked for in it.

    Only a JSON object asks for anything: where the body is absent or something else, ``known`` is False, ``body`` is
    empty, and what depends on it is None.
    """

    __slots__ = ("body", "kind", "n", "strict", "tools")

    def __init__(self, request: Request | None) -> None:
        body = request.body if request is not None else None
        read = _NOTHING if not body else _read(body) if len(body) > _KEPT_BYTES else _read_once(body)
        is_object = isinstance(read.value, dict)
        if body is None:
            self.kind = RequestBody.ABSENT
        else:
            self.kind = RequestBody.OBJECT if is_object else RequestBody.OTHER
        self.body: JsonObject = read.value if is_object else {}
        #: How many choices are asked for, over all prompts of legacy completions.
        self.n: int | None = reading.asked_choices(self.body) if is_object else None
        #: Names of the tools that are offered.
        self.tools = read.tools
        #: Whether one of them is strict.
        self.strict = read.strict

    @property
    def known(self) -> bool:
        """Whether it is known what is asked for."""
        return self.kind is RequestBody.OBJECT

    @property
    def include_usage(self) -> bool | None:
        """Whether usage is asked for."""
        if not self.known:
            return None
        return reading.as_object(self.body.get("stream_options")).get("include_usage") is True

    def forget(self) -> None:
        """Know nothing any more: from here on the stream is read as that of another API."""
        self.kind, self.body, self.n, self.tools, self.strict = RequestBody.ABSENT, {}, None, None, None


_NOTHING = _Read(None)


def _read(body: bytes) -> _Read:
    value = decode_payload(body).value
    if not isinstance(value, dict):
        return _Read(value)
    return _Read(value, reading.request_tools(value), bool(strict_tools(value)))


_read_once = lru_cache(4)(_read)


def strict_tools(body: JsonObject) -> frozenset[str | None]:
    """Names of the tools a request wants called by the schema; None for one without a name."""
    tools = (
        reading.as_object(tool.get("function", tool))
        for tool in map(reading.as_object, reading.as_list(body.get("tools")))
    )
    names = (tool.get("name") for tool in tools if tool.get("strict") is True)
    return frozenset(name if type(name) is str else None for name in names)
