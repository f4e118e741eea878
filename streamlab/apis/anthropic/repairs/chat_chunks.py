"""Unsafe: chunks of OpenAI's chat completions on a Messages path become the events that they would have been.

Only where nothing of a message came. Reasoning, text and calls open a block each; what this leaves in disorder, the
parts behind put right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from streamlab.apis.anthropic.expectations import (
    BLOCK_START,
    BLOCK_STOP,
    EVENT_TYPES,
    FOREIGN_STOP_REASONS,
    MESSAGE_DELTA,
    MESSAGE_MEMBERS,
    MESSAGE_START,
    MESSAGE_STOP,
)
from streamlab.apis.anthropic.repairs.parts import Message, Part, delta_event, is_quiet, kind_of, made
from streamlab.exchange import Ending
from streamlab.rules.odd_texts import is_marker
from streamlab.rules.repair import Chunk, Draft, Drafts, Origin, Undecodable
from streamlab.wire import reading
from streamlab.wire.calls import CallTracker, TrackedCall, arguments_text
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

_RULE = "messages-openai-chunks"
_MOST_MARKERS: Final = 64


class _Call(TrackedCall):
    __slots__ = ("waiting",)

    def __init__(self, choice: int, index: int) -> None:
        super().__init__(choice, index)
        self.waiting = ""  # arguments that came before the name


class ChatChunks(Part):
    """Translates what stands in ``choices[0]``."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._like: Draft | None = None  # the chunk read last, once one came
        self._open: object = None  # what the open block is: text, thinking, or a call
        self._next = 0
        self._calls: CallTracker[_Call] = CallTracker(_Call)
        self._reason: str | None = None
        self._usage: JsonObject = {}
        self._marker: list[str] = []  # texts that are [DONE], and blank ones behind it
        self._over = False  # real events came, or the end went out

    @property
    def holding(self) -> bool:
        """Whether the end waits for the usage."""
        return self._like is not None and not self._over

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        if self._over or is_quiet(draft):
            self._number(draft)
            return (draft,)
        if type(draft.event) is Chunk and type(draft.json.get("choices")) is list and not kind_of(draft):
            translated = tuple(self._translated(draft))
            if not translated:  # what it says, if anything, stands in what follows
                self.message.drop(draft, _RULE)
            return translated
        if self._like is None:
            self._over = kind_of(draft) in EVENT_TYPES
            return (draft,)
        if kind_of(draft) == MESSAGE_STOP and self._reason is None:
            self.message.drop(draft, _RULE)  # more chunks may follow; where none says why they stop, nothing ends them
            return ()
        if kind_of(draft) == MESSAGE_STOP:
            return (*self._end(), draft)
        if type(draft.event) is Chunk and kind_of(draft) not in EVENT_TYPES:
            return (draft,)  # nothing of a message either
        if type(draft.event) is Undecodable and self._reason is None:
            return (draft,)  # more chunks may follow, or a message
        if type(draft.event) is Chunk:  # the message goes on in events of its own
            self._over = self.message.invented = True
            self._number(draft)
            return (*self._close(), draft)
        return (*self._end(), draft)

    def finish(self, ending: Ending) -> Drafts:
        """The end, where the chunks said why they stop."""
        return tuple(self._end()) if self.holding else ()

    # -- one chunk ---------------------------------------------------------------------------------------------------

    def _translated(self, draft: Draft) -> Iterator[Draft]:
        chunk = draft.json
        first = self._like is None
        self._like = draft
        self.message.odd = True
        if first:
            yield self._made(self._start(chunk))
        self._usage.update(as_object(chunk.get("usage")))
        for choice in reading.choices(chunk):
            if reading.choice_index(choice) == 0:
                yield from self._choice(choice)

    def _start(self, chunk: JsonObject) -> JsonObject:
        seed = str(chunk.get("id")).encode("utf-8", "replace")
        model = chunk.get("model") or self.message.state.body.get("model")
        return {
            "type": MESSAGE_START,
            "message": {
                "model": model if type(model) is str else "unknown",
                "id": f"msg_{hashlib.sha256(seed).hexdigest()[:24]}",
                **{key: list(value) if type(value) is list else value for key, value in MESSAGE_MEMBERS.items()},
                "usage": {"input_tokens": 0, "output_tokens": 0},
            },
        }

    def _choice(self, choice: JsonObject) -> Iterator[Draft]:
        delta = reading.delta(choice)
        thinking, text = reading.reasoning(delta), reading.content(delta)
        if thinking:
            yield from self._into("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            yield self._made(delta_event(self._next - 1, "thinking_delta", "thinking", thinking))
        for piece in self._without_marker(text) if text or thinking or delta.get("tool_calls") else ():
            yield from self._into("text", {"type": "text", "text": ""})
            yield self._made(delta_event(self._next - 1, "text_delta", "text", piece))
        for fragment in reading.tool_calls(delta):
            yield from self._fragment(fragment)
        reason = reading.finish_reason(choice)
        if type(reason) is str and reason:
            self._reason = reason

    def _without_marker(self, text: str) -> list[str]:
        """The texts that are let go: the marker that ends streams of chunks waits for more text, and is none without.
        What says something else lets it go too, as the repair of chunks does."""
        waits = is_marker(text) or (bool(self._marker) and text.isspace())
        if waits and len(self._marker) < _MOST_MARKERS:
            self._marker.append(text)
            return []
        pieces, self._marker = [*self._marker, text] if text else [], []
        return pieces

    def _fragment(self, fragment: JsonObject) -> Iterator[Draft]:
        call = self._calls.place(0, fragment).call
        piece = call.waiting + arguments_text(reading.function(fragment).get("arguments"))
        if not call.name:
            call.waiting = piece
            return
        call.waiting = ""
        yield from self._into(call, {"type": "tool_use", "id": call.id, "name": call.name, "input": {}})
        if piece:
            yield self._made(delta_event(self._next - 1, "input_json_delta", "partial_json", piece))

    def _number(self, draft: Draft) -> None:
        """Number the message's own events behind the blocks that were made of chunks: they are about none of those."""
        index = draft.json.get("index") if self._next and kind_of(draft).startswith("content_block_") else None
        if type(index) is int:
            draft.put(_RULE, draft.json, "index", index + self._next, "")

    # -- blocks and the end ------------------------------------------------------------------------------------------

    def _into(self, what: object, block: JsonObject) -> Iterator[Draft]:
        """Open a block unless it is the open one."""
        if what != self._open:
            yield from self._close()
            self._open, self._next = what, self._next + 1
            yield self._made({"type": BLOCK_START, "index": self._next - 1, "content_block": block})

    def _close(self) -> Iterator[Draft]:
        if self._open is not None:
            self._open = None
            yield self._made({"type": BLOCK_STOP, "index": self._next - 1})

    def _end(self) -> Iterator[Draft]:
        self._over = True
        reason = FOREIGN_STOP_REASONS.get(self._reason or "", self._reason)
        if reason is None:
            return
        yield from self._close()
        counts: tuple[Any, Any] = self._usage.get("prompt_tokens"), self._usage.get("completion_tokens")
        usage = {"output_tokens": counts[1] if type(counts[1]) is int else 0}
        if type(counts[0]) is int:
            usage = {"input_tokens": counts[0], **usage}
        delta = {"stop_reason": reason, "stop_sequence": None}
        yield self._made({"type": MESSAGE_DELTA, "delta": delta, "usage": usage})
        yield self._made({"type": MESSAGE_STOP})

    def _made(self, value: JsonObject) -> Draft:
        assert self._like is not None
        return made(value, self._like, _RULE, Origin.DERIVED)
