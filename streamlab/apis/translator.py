"""What a translator is: it turns the events of a foreign protocol into chat chunks, as they come.

A translator gets `StreamEvent`s (of an event stream, or one per JSON value of NDJSON or of a JSON array) and gives
`Chunk`, `ErrorPayload` and `Done` events without bytes of their own. It finishes only what the upstream finished: a
stream that broke off has no ``finish_reason`` and no ``[DONE]``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from streamlab.exchange import Ending
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject, encode_json

Events = Iterable[StreamEvent]


class Translator:
    """One stream's translation. ``body`` is the request's JSON object; empty when unknown."""

    def __init__(self, body: JsonObject) -> None:
        self.body = body
        self.id = ""
        self.id_made_up = False
        self.model = ""
        self.created: int | None = None
        #: When the answer was made, in Unix seconds, where its protocol does not say; None leaves that out.
        self.made_at: int | None = None
        #: What the stream held and chat chunks have no place for.
        self.lost: dict[str, None] = {}
        self._opened: set[int] = set()

    def feed(self, event: StreamEvent) -> Events:
        """The chunks one event of the foreign stream amounts to."""
        if isinstance(event, Comment):
            return (event,)
        if isinstance(event, Chunk):
            return tuple(self.chunk(event.json))
        if isinstance(event, ErrorPayload):
            return tuple(self.error(event.json))
        return () if isinstance(event, Done) else (event,)

    def finish(self, ending: Ending) -> Events:
        """What the end of the stream adds."""
        return ()

    def chunk(self, value: JsonObject) -> Events:
        """The chunks one object amounts to."""
        raise NotImplementedError

    def error(self, value: JsonObject) -> Events:
        """The error event an object with a truthy ``error`` amounts to."""
        yield ErrorPayload(None, {"error": value["error"]})

    # -- making chunks -----------------------------------------------------------------------------------------------

    def name_stream(self, value: JsonObject, call_id: Any, model: Any, created: Any = None) -> None:
        """Settle the constants of the envelope, once."""
        if self.id:
            return
        if not isinstance(call_id, str) or not call_id:
            call_id, self.id_made_up = hashlib.sha256(encode_json([self.body, value])).hexdigest()[:29], True
        self.id = f"chatcmpl-{call_id}"
        asked = self.body.get("model")
        self.model = model if isinstance(model, str) and model else asked if isinstance(asked, str) else "unknown"
        self.created = seconds_of(created)

    def made(self, delta: JsonObject, index: int = 0, finish: str | None = None) -> Chunk:
        """A chunk; the first of a choice gets the role."""
        if index not in self._opened:
            self._opened.add(index)
            delta = {"role": "assistant", **delta}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._envelope([choice])

    def usage(self, prompt: Any, completion: Any, **details: Any) -> Chunk:
        """The usage chunk; counts that are no integers are 0, ``total`` is their sum unless given."""
        prompt, completion = _count(prompt), _count(completion)
        total = _count(details.pop("total", None)) or prompt + completion
        usage: JsonObject = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
        usage.update({key: value for key, value in details.items() if value})
        chunk = self._envelope([])
        chunk.json["usage"] = usage
        return chunk

    def _envelope(self, choices: list[JsonObject]) -> Chunk:
        chunk: JsonObject = {"id": self.id, "object": "chat.completion.chunk"}
        created = self.made_at if self.created is None else self.created
        if created is not None:
            chunk["created"] = created
        return Chunk(None, {**chunk, "model": self.model, "choices": choices})

    @property
    def opened(self) -> bool:
        """Whether any chunk went out."""
        return bool(self._opened)


def seconds_of(text: Any) -> int | None:
    """An ISO 8601 time as Unix seconds; None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _count(value: Any) -> int:
    return value if type(value) is int else 0


def call_id(*parts: Any) -> str:
    """An id for a tool call whose protocol has none; the same parts give the same id."""
    return "call_" + hashlib.sha256(encode_json(list(parts))).hexdigest()[:24]


__all__ = ["Events", "Translator", "call_id", "seconds_of"]
