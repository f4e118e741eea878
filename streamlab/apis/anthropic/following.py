"""What of a Messages stream may differ from a clean one before it that went alike, and what repairs would look at in
it."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    INPUT_TOKENS,
    MESSAGE_DELTA,
    MESSAGE_START,
    MESSAGE_STOP,
    PING,
)
from streamlab.apis.anthropic.repairs.inputs import Progress
from streamlab.apis.anthropic.repairs.usage import wiped_input
from streamlab.rules.api import Judge, Judged
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object
from streamlab.wire.runs import Varying
from streamlab.wire.stamps import Stamp, counts_of

_CALL: Final = "tool_use"
#: Blocks that open with nothing in them, and what is in them then.
_EMPTY: Final[dict[str, JsonObject]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    _CALL: {"input": {}},
}


def stamps(event: JsonObject) -> dict[str, Stamp]:
    """Members whose values hang on the stream, by their paths: of those that are there."""
    kind, message = event.get("type"), as_object(event.get("message"))
    if kind == MESSAGE_START:
        found = {"message.id": Stamp.ID} if type(message.get("id")) is str else {}
        return found | counts_of(message.get("usage"), "message.usage")
    if kind == BLOCK_START:
        block = as_object(event.get("content_block"))
        named = block.get("type") == _CALL and type(block.get("id")) is str and type(block.get("name")) is str
        return {"content_block.id": Stamp.CALL, "content_block.name": Stamp.NAME} if named else {}
    if _is_signature(event):
        return {"delta.signature": Stamp.TEXT}
    return counts_of(event.get("usage"), "usage") if kind == MESSAGE_DELTA else {}


def _is_signature(event: JsonObject) -> bool:
    delta = as_object(event.get("delta"))
    signed = delta.get("type") == "signature_delta" and type(delta.get("signature")) is str
    return event.get("type") == BLOCK_DELTA and signed and bool(delta["signature"])


class MessageFollower:
    """Looks at the events of one stream that goes as another did."""

    def __init__(self) -> None:
        self._input: JsonObject = {}  # tokens, as message_start has them
        self._ids: set[str] = set()  # of calls
        self._index: Any = None  # of the open block
        self._block = ""  # its type
        self._sent = ""  # of its input
        self._progress = Progress()

    def event(self, chunk: JsonObject, values: dict[str, str]) -> bool:
        """Whether repairs let an event pass that is ``chunk`` but for ``values``, by their paths."""
        kind = chunk.get("type")
        if kind == MESSAGE_START:
            self._input = _counts(as_object(as_object(chunk.get("message")).get("usage")), values, "message.usage.")
            return True
        if kind == BLOCK_START:
            return self._opens(chunk, values)
        if kind == BLOCK_DELTA:
            return self.goes_on(chunk) and (_is_signature(chunk) or _adds_nothing(chunk))
        if kind == BLOCK_STOP:
            return self._block != _CALL or not self._sent or self._progress.closed
        if kind == MESSAGE_DELTA:
            usage = as_object(chunk.get("usage"))
            return not wiped_input(self._input, {**usage, **_counts(usage, values, "usage.")})
        return kind in (MESSAGE_STOP, PING)

    def _opens(self, chunk: JsonObject, values: dict[str, str]) -> bool:
        """Whether an event opens a block with nothing in it; a call, under an id that no other has."""
        block = as_object(chunk.get("content_block"))
        kind = block.get("type")
        empty = _EMPTY.get(kind) if type(kind) is str else None
        if empty is None or any(block.get(key, value) != value for key, value in empty.items()):
            return False
        self._index, self._block, self._sent, self._progress = chunk.get("index"), str(kind), "", Progress()
        if kind != _CALL:
            return True
        named = values.get("content_block.id", block.get("id"))
        if not named or named in self._ids:
            return False
        self._ids.add(named)
        return True

    def goes_on(self, chunk: JsonObject) -> bool:
        """Whether deltas like this one, with other texts, may come now: those of the open block."""
        return type(chunk.get("index")) is int and chunk["index"] == self._index

    def judge(self, varying: Varying) -> Judge:
        """What is asked about each of the texts that come now: nobody looks at any but those of a tool's input."""
        return self._judge_input if varying.path == "delta.partial_json" else _judge_text

    def _judge_input(self, text: str) -> Judged:
        """It plainly goes on with one object."""
        sent = self._sent
        if not sent:
            doubtful = not text.lstrip().startswith("{") or text.lstrip().startswith("{}")
        else:
            doubtful = self._progress.closed or (len(text) >= len(sent) and text.startswith(sent))
        if doubtful:
            return Judged.STOPS
        self._sent += text
        self._progress.feed(text)
        return Judged.PASSES


def _judge_text(text: str) -> Judged:
    return Judged.ALL_PASS


def _adds_nothing(chunk: JsonObject) -> bool:
    return as_object(chunk.get("delta")) == {"type": "input_json_delta", "partial_json": ""}


def _counts(usage: JsonObject, values: dict[str, str], path: str) -> JsonObject:
    """The input tokens of usage."""
    known = [key for key in INPUT_TOKENS if type(usage.get(key)) is int]
    return {key: int(values[f"{path}{key}"]) if f"{path}{key}" in values else usage[key] for key in known}
