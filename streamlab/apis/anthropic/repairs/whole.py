"""A whole message becomes the events that it would have been as a stream."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.anthropic.expectations import MESSAGE_DELTA, MESSAGE_START, MESSAGE_STOP
from streamlab.apis.anthropic.repairs.envelope import block_events
from streamlab.rules.repair import ABSENT, Change, Chunk, Draft, Origin, RepairState
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_RULE = "nonstream-json-for-stream"


def streamed(message: JsonObject, state: RepairState) -> Iterator[Draft]:
    """message_start, the blocks, message_delta with the reason and the usage, message_stop."""
    whole = Draft(Chunk(None, message), (state.at,))
    usage = as_object(message.get("usage"))
    empty = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    start = _draft({"type": MESSAGE_START, "message": empty}, state)
    if usage:
        empty["usage"] = {**usage, "output_tokens": 0}
        start.note(_RULE, "message.usage.output_tokens", ABSENT, 0, Origin.INVENTED)
    yield start
    blocks = [block for block in as_list(message.get("content")) if type(block) is dict]
    for at, block in enumerate(blocks):
        yield from block_events(at, block, whole, _RULE)
    delta = {"stop_reason": message.get("stop_reason"), "stop_sequence": message.get("stop_sequence")}
    yield _draft({"type": MESSAGE_DELTA, "delta": delta, "usage": usage}, state)
    yield _draft({"type": MESSAGE_STOP}, state)


def _draft(value: JsonObject, state: RepairState) -> Draft:
    return Draft(Chunk(None, value), (state.at,), [Change(_RULE, "")])
