"""message_start where and as it should be, and the usage of both ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    FOREIGN_STOP_REASONS,
    FOREIGN_USAGE,
    INPUT_TOKENS,
    MESSAGE_DELTA,
    MESSAGE_MEMBERS,
    MESSAGE_START,
    MESSAGE_STOP,
)
from streamlab.apis.anthropic.repairs.parts import Message, Part, delta_event, is_quiet, kind_of, made
from streamlab.apis.anthropic.repairs.usage import keep_input, right_usage
from streamlab.exchange import Ending
from streamlab.rules.repair import ABSENT, Change, Chunk, Draft, Drafts, ErrorPayload, Origin, Undecodable
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import as_list, as_object

#: Events that are held back in case message_start comes late.
_MOST_EARLY: Final = 16
_FLAT: Final = ("id", "role", "content", "model", "stop_reason", "stop_sequence", "usage")
_RULE_SHAPE = "messages-start-shape"
_OUTPUTS: Final = ("output_tokens", *(key for key, own in FOREIGN_USAGE.items() if own == "output_tokens"))


class Envelope(Part):
    """Gives the stream one message_start, in front, with the members that clients need."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._started = False
        self._early: list[Draft] = []
        self._id: Any = None
        self._content: tuple[list[Any], Draft] | None = None  # that message_start held already
        self._given = 0  # blocks made of it
        self._output = 0

    @property
    def holding(self) -> bool:
        """Whether events wait for message_start."""
        return bool(self._early)

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        kind = kind_of(draft)
        if kind == MESSAGE_START:
            return tuple(self._start(draft))
        if not self._started:
            if (is_quiet(draft) or type(draft.event) is Undecodable) and not self._early:
                return (draft,)  # what nobody can read would come last behind a start
            return self._wait(draft, kind)
        if kind == BLOCK_START:
            self._content = None
        elif kind == MESSAGE_DELTA:
            self._delta(draft)
        if self._content is not None and kind in (MESSAGE_DELTA, MESSAGE_STOP):
            return (*self._blocks_of_content(), draft)
        index = draft.json.get("index") if self._given and kind.startswith("content_block_") else None
        if type(index) is int:  # none of those that were made
            draft.put("messages-start-prefilled", draft.json, "index", index + self._given, "")
        return (draft,)

    def idle(self) -> Drafts:
        """No message_start yet: go on waiting, it is the first thing to come."""
        return ()

    def finish(self, ending: Ending) -> Drafts:
        """message_start never came."""
        return self._without_start()

    # -- where it is -------------------------------------------------------------------------------------------------

    def _wait(self, draft: Draft, kind: str) -> Drafts:
        self.message.odd = True
        if type(draft.event) is ErrorPayload or kind == "error":
            return (*self._without_start(), draft)
        self._early.append(draft)
        return self._without_start() if len(self._early) > _MOST_EARLY or kind == MESSAGE_STOP else ()

    def _without_start(self) -> Drafts:
        """What waited, behind a message_start of our own where there is a message."""
        early, self._early = self._early, []
        if not any(kind_of(draft) in (BLOCK_START, "content_block_delta") for draft in early):
            self._started = any(kind_of(draft) == MESSAGE_STOP for draft in early)
            return tuple(self._again(early)) if self._started else tuple(early)
        body = self.message.state.body
        model = body.get("model")
        seed = encode_json([body, [draft.json for draft in early if type(draft.event) is Chunk]])
        value = {
            "type": MESSAGE_START,
            "message": {
                "model": model if type(model) is str else "unknown",
                "id": f"msg_{hashlib.sha256(seed).hexdigest()[:24]}",
                **{key: _empty(key) for key in MESSAGE_MEMBERS},
                "usage": {"input_tokens": 0, "output_tokens": 0},
            },
        }
        self._started = self.message.invented = True
        return (made(value, early[0], "messages-start-missing", Origin.INVENTED), *self._again(early))

    def _again(self, early: list[Draft]) -> Iterator[Draft]:
        for draft in early:
            yield from self.take(draft)

    def _start(self, draft: Draft) -> Iterator[Draft]:
        if self._started:
            yield from self._start_again(draft)
            return
        self._started = True
        early, self._early = self._early, []
        if early:
            draft.changes.append(Change("messages-start-missing", "", "late", "first"))
        self._shape(draft)
        yield draft
        yield from self._again(early)

    def _start_again(self, draft: Draft) -> Iterator[Draft]:
        message = self.message
        if message.ended and message.reader.stopped:
            yield draft  # after the end
            return
        meant = _meant(draft.json) if message.invented else ""
        if meant:
            draft.put("messages-start-missing", draft.json, "type", meant, "")
            if meant == MESSAGE_DELTA:
                self._delta(draft)
            yield draft
            return
        held = _held_in(draft.json, beside=_BESIDE if message.state.unsafe else {}) if message.invented else []
        if held:
            self._content = (held, draft)
            message.drop(draft, "messages-start-missing")
            self._id, message.invented = draft.json["message"].get("id"), False
            return
        bare = {key: held for key, held in draft.json.items() if key != "index"} if message.invented else draft.json
        if says_more(bare):
            message.cannot("messages-start-repeated", "there is more in it than a message")
            yield draft
            return
        again = as_object(draft.json.get("message", draft.json)).get("id")
        if message.begun and again != self._id and not message.invented:
            message.cannot("messages-start-repeated", "another message begins: the answer may start over")
            message.other_answer, message.stop_reason = True, None
            yield draft
            return
        message.drop(draft, "messages-start-missing" if message.invented else "messages-start-repeated")
        self._id = again if message.invented else self._id  # one more of this id says nothing new
        message.invented = False

    # -- what it holds -----------------------------------------------------------------------------------------------

    def _shape(self, draft: Draft) -> None:
        event = draft.json
        message = event.get("message")
        if type(message) is list and len(message) == 1 and type(message[0]) is dict:
            message = message[0]
            self._put(draft, _RULE_SHAPE, event, "message", message, "")
        if type(message) is not dict:
            moved = {key: event[key] for key in _FLAT if key in event}
            for flat in moved:
                draft.drop(_RULE_SHAPE, event, flat, "")
            message = {"type": "message", **moved}
            self._put(draft, _RULE_SHAPE, event, "message", message, "")
        for key in MESSAGE_MEMBERS:
            wrong = type(message.get(key)) is not list if key == "content" else key in ("type", "role")
            if key not in message or (wrong and message.get(key) != MESSAGE_MEMBERS[key]):
                self._put(draft, _RULE_SHAPE, message, key, _empty(key), "message.", Origin.INVENTED)
        if message["content"] and not whole_blocks(message["content"]):
            self.message.cannot("messages-start-prefilled", "what its content is, is not on the wire")
        elif message["content"]:
            self._content = (as_list(message["content"]), draft)
            self._put(draft, "messages-start-prefilled", message, "content", [], "message.")
        if message["stop_reason"] is not None:
            self._put(draft, "messages-start-prefilled", message, "stop_reason", None, "message.")
        self._id = message.get("id")
        self._usage(draft, message, "message.", {"input_tokens": 0, "output_tokens": 0})
        usage = as_object(message.get("usage"))
        self.message.input = {key: usage[key] for key in INPUT_TOKENS if type(usage.get(key)) is int}
        self._output = usage["output_tokens"] if type(usage.get("output_tokens")) is int else 0

    def _put(
        self,
        draft: Draft,
        rule: str,
        holder: JsonObject,
        key: str,
        value: Any,
        path: str,
        origin: Origin = Origin.DERIVED,
    ) -> None:
        self.message.odd = True
        draft.put(rule, holder, key, value, path, origin)

    def _usage(self, draft: Draft, holder: JsonObject, path: str, empty: JsonObject) -> None:
        usage = holder.get("usage")
        if type(usage) is not dict or not usage:
            self._put(draft, "messages-usage-missing", holder, "usage", empty, path, Origin.INVENTED)
            return
        if not path and not said_output(usage):
            self._put(draft, "messages-usage-missing", usage, "output_tokens", self._output, "usage.", Origin.INVENTED)
        rule, inside = "messages-usage-wrong-shape", f"{path}usage."
        self.message.odd = right_usage(draft, usage, inside) or self.message.odd
        if "output_tokens" not in usage and rule in {change.rule for change in draft.changes}:
            self._put(draft, rule, usage, "output_tokens", 0, inside, Origin.INVENTED)

    # -- message_delta -----------------------------------------------------------------------------------------------

    def _delta(self, draft: Draft) -> None:
        event = draft.json
        self._usage(draft, event, "", {"output_tokens": self._output})
        usage = as_object(event.get("usage"))
        self.message.odd = keep_input(draft, usage, self.message.input) or self.message.odd
        delta = event.get("delta")
        if type(delta) is not dict:
            return
        reason = delta.get("stop_reason")
        meant = FOREIGN_STOP_REASONS.get(reason) if type(reason) is str else None
        if meant not in (None, "tool_use"):  # a call may be missing: that shows at the end
            self._put(draft, "messages-stop-reason-unknown", delta, "stop_reason", meant, "delta.")
        if delta.get("stop_reason") is not None:
            self.message.stop_reason = delta["stop_reason"]

    def _blocks_of_content(self) -> Iterator[Draft]:
        """The blocks that stood in message_start and never followed."""
        if self._content is None:
            return
        blocks, start = self._content
        self._content = None
        for at, block in enumerate(blocks):
            yield from block_events(at, block, start, "messages-start-prefilled")
            self._given = at + 1


def block_events(index: int, block: JsonObject, like: Draft, rule: str) -> Iterator[Draft]:
    """The events that a whole block would have been."""
    start, deltas = dict(block), []
    kind = block.get("type")
    if kind == "text":
        deltas = [("text_delta", "text", block.get("text"))]
        start["text"] = ""
        if not block.get("citations"):
            start.pop("citations", None)
    elif kind == "thinking":
        deltas = [("thinking_delta", "thinking", block.get("thinking"))]
        deltas.append(("signature_delta", "signature", block.get("signature")))
        start |= {"thinking": "", "signature": ""}
    elif kind in ("tool_use", "server_tool_use", "mcp_tool_use") and type(block.get("input")) is dict:
        whole = encode_json(block["input"]).decode() if block["input"] else ""
        deltas = [("input_json_delta", "partial_json", whole)]
        start["input"] = {}
    yield made({"type": BLOCK_START, "index": index, "content_block": start}, like, rule)
    for delta, member, piece in deltas:
        if type(piece) is str and (piece or member == "partial_json"):
            yield made(delta_event(index, delta, member, piece), like, rule)
    yield made({"type": "content_block_stop", "index": index}, like, rule)


def _empty(key: str) -> Any:
    value = MESSAGE_MEMBERS[key]
    return list(value) if type(value) is list else value


def whole_blocks(content: list[Any]) -> bool:
    """Whether content is blocks that say of what type they are, so that they can be streamed."""
    return all(type(block) is dict and type(block.get("type")) is str and block["type"] for block in content)


def _meant(event: JsonObject) -> str:
    """The type of the event over which message_start stands, by what it holds; "" where that is not one thing."""
    held = event.keys() & {"delta", "message", "content_block"}
    if "index" in event:
        own = {BLOCK_DELTA: {"delta"}, BLOCK_START: {"content_block"}, BLOCK_STOP: set()}
        return next((kind for kind, members in own.items() if held == members), "")
    ends = held == {"delta"} and "type" not in as_object(event["delta"])  # one with a type is a block's
    return MESSAGE_DELTA if ends else ""


#: What may stand beside the content of a message, and of what type the block is that it would be.
_BESIDE: Final = {"reasoning_content": "thinking", "thinking": "thinking", "text": "text"}


def _held_in(event: JsonObject, *, beside: dict[str, str]) -> list[Any]:
    """What a message_start says as blocks, where it says nothing but a message with content; empty where it does not.
    ``beside``: members whose text counts as content, and the type of the block that each would be."""
    message = as_object(event.get("message"))
    texts = {key: message[key] for key in beside if type(message.get(key)) is str and message[key]}
    rest = {key: value for key, value in message.items() if key not in texts and key != "content"}
    content = message.get("content", [])
    if type(content) is not list or not whole_blocks(content) or says_more({**event, "message": rest}):
        return []
    blocks = [{"type": beside[key], beside[key]: text} for key, text in texts.items()]
    thoughts = [block for block in blocks if block["type"] == "thinking"]
    return [*thoughts, *content, *(block for block in blocks if block["type"] == "text")]


def says_more(event: JsonObject) -> bool:
    """Whether a message_start holds what other events say: then its type may be wrong, and dropping it lose that."""
    held = (event, as_object(event.get("message")))
    return "index" in event or any(holder.get(key) for holder in held for key in _CONTENT)


_CONTENT = ("delta", "content_block", "content", "text", "thinking", "reasoning_content", "partial_json")


def said_output(usage: JsonObject) -> bool:
    """Whether usage says how many tokens came out, under whatever name."""
    return any(usage.get(key) is not None for key in _OUTPUTS)


__all__ = ["ABSENT", "Envelope", "block_events", "said_output", "says_more", "whole_blocks"]
