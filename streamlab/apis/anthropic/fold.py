"""What a client holds of a Messages stream: its blocks in order, why it stopped, and the usage.

The fold reads with good will, as the official SDKs and Claude Code do where they agree; where they differ, `views`
says who holds what instead. Nothing is invented: a broken stream gives what arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.reader import MessageReader
from streamlab.wire.payload import JsonObject, encode_json

#: Who holds something else where the start of a block holds what belongs into deltas (measured, 28 November 2026).
DROPS_START = "Claude Code"
KEEPS_START = "official SDKs"


class MessageMark(NamedTuple):
    """A moment of a fold, small: of texts it holds the lengths only, because they never change, they only grow."""

    blocks: tuple[tuple[bool, int, int, int], ...]
    stop_reason: Any
    usage: JsonObject
    stopped: bool
    error: JsonObject | None


class MessageFold:
    """Folds the JSON of events. With a ``reader`` that somebody else feeds, it only looks at what that one knows."""

    def __init__(self, reader: MessageReader | None = None) -> None:
        self.reader = reader or MessageReader()
        self._feeds = reader is None

    # -- what every fold has -----------------------------------------------------------------------------------------

    def feed(self, value: JsonObject) -> None:
        """Add one event; never raises."""
        if self._feeds:
            self.reader.read_json(value)

    def feed_error(self, value: JsonObject) -> None:
        """Add an error: what a client raises instead of returning."""
        if self._feeds:
            self.reader.read_json(value)

    @property
    def id(self) -> str | None:
        """The id of the message."""
        return _string(self._message.get("id"))

    @property
    def model(self) -> str | None:
        """The model that answers."""
        return _string(self._message.get("model"))

    @property
    def usage(self) -> JsonObject | None:
        """The last message_delta's over message_start's, member by member; None when there was none."""
        return dict(self.reader.usage) or None

    @property
    def error(self) -> Any:
        """The error that ended the stream."""
        value = self.reader.error
        return None if value is None else value.get("error", value)

    @property
    def choices(self) -> dict[int, Any]:
        """A message has no choices."""
        return {}

    @property
    def _message(self) -> JsonObject:
        return self.reader.message or {}

    def completion(self) -> JsonObject:
        """What a client would hold now. ``blocks`` has everything; the members before it say the same as for chat."""
        reader, blocks = self.reader, self.reader.blocks
        thinking = "".join(block.given + str(block.text) for block in blocks if block.kind == "thinking")
        calls = [_call(at, block) for at, block in enumerate(reader.client_tools)]
        held: JsonObject = {
            "role": _string(self._message.get("role")),
            "content": reader.text or ("" if not calls else None),
            "tool_calls": calls,
            "finish_reason": reader.stop_reason if type(reader.stop_reason) is str else None,
        }
        if thinking:
            held["reasoning"] = thinking
        held["usage"] = self.usage
        held["blocks"] = [block_json(block) for block in blocks]
        sequence = next((delta["stop_sequence"] for delta in self._deltas() if delta.get("stop_sequence")), None)
        if sequence is not None:
            held["stop_sequence"] = sequence
        if self.error is not None:
            held["error"] = self.error
        return held

    def _deltas(self) -> Iterator[JsonObject]:
        for event in self.reader.endings:
            delta = event.get("delta")
            if type(delta) is dict:
                yield delta

    def views(self) -> dict[str, list[JsonObject]]:
        """Who holds other blocks than `completion` says; empty where all agree."""
        blocks = self.reader.blocks
        if not any(_prefilled(block) for block in blocks):
            return {}
        kept = [block_json(block) for block in blocks]
        return {KEEPS_START: kept, DROPS_START: [_without_start(block) for block in blocks]}

    # -- moments, for looking back -----------------------------------------------------------------------------------

    def mark(self) -> MessageMark:
        """This moment, to come back to with `at`."""
        reader = self.reader
        blocks = tuple(
            (block.open, len(str(block.text)), len(block.signature or ""), len(block.citations))
            for block in reader.blocks
        )
        return MessageMark(blocks, reader.stop_reason, dict(reader.usage), reader.stopped, reader.error)

    def at(self, mark: MessageMark) -> MessageFold:
        """A fold as it was at an earlier moment of this one; feeding it leaves this one alone."""
        now, past = self.reader, MessageReader()
        past.message, past.stop_reason, past.usage = now.message, mark.stop_reason, dict(mark.usage)
        past.stopped, past.error = mark.stopped, mark.error
        for block, (is_open, text, signature, citations) in zip(now.blocks, mark.blocks, strict=False):
            past.restore(block, is_open, str(block.text)[:text], (block.signature or "")[:signature] or None, citations)
        fold = MessageFold(past)
        fold._feeds = True
        return fold


def block_json(block: Block) -> JsonObject:
    """A block as an SDK hands it out."""
    held = {key: value for key, value in block.start.items() if key != "index"}
    if block.kind == "text":
        held["text"] = block.given + str(block.text)
        if block.citations:
            held["citations"] = list(block.citations)
    elif block.kind == "thinking":
        held["thinking"] = block.given + str(block.text)
        held["signature"] = block.signature or ""
    elif block.is_tool:
        read = block.input
        held["input"] = read.value if read.ok else str(block.text)
    elif block.kind == "compaction" and str(block.text):
        held["content"] = str(block.text)
    return held


def _prefilled(block: Block) -> bool:
    return bool(block.given) or bool(block.is_client_tool and block.start.get("input") and not block.text)


def _without_start(block: Block) -> JsonObject:
    held = block_json(block)
    if block.given:
        held[block.kind] = str(block.text)
    elif _prefilled(block):
        held["input"] = {}
    return held


def _call(at: int, block: Block) -> JsonObject:
    read = block.input
    arguments = encode_json(read.value).decode("utf-8", "replace") if read.ok and not block.text else str(block.text)
    return {
        "index": at,
        "id": block.id or None,
        "type": "function",
        "function": {"name": block.name or None, "arguments": arguments or "{}"},
    }


def _string(value: Any) -> str | None:
    return value if type(value) is str and value else None
