"""The Responses API's stream as tables: which events open and end it, what each must carry, what belongs together."""

from __future__ import annotations

from typing import Final

from streamlab.wire.payload import JsonObject

#: Events a stream may open with; ``queued`` is what a background response says.
OPENING: Final = frozenset({"response.created", "response.queued"})
#: Exactly one of these ends the answer.
TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
#: What OpenAI itself sends after the end (28 of 1,614 recorded streams).
AFTER_TERMINAL: Final = frozenset({"response.rate_limits.updated"})

#: Streamed pieces: the events ``X.delta`` and ``X.done``, and the member of ``X.done`` that holds the whole.
PIECES: Final = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_text": "text",
    "response.reasoning_summary_text": "text",
    "response.function_call_arguments": "arguments",
    "response.mcp_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.code_interpreter_call_code": "code",
}
#: Events that open and close a part of an item, and the member that numbers the parts.
PARTS: Final = {
    "response.content_part": "content_index",
    "response.reasoning_part": "content_index",
    "response.reasoning_summary_part": "summary_index",
}
#: The member that says in which part of its item a piece lies; pieces that are not here lie in the item itself.
PIECE_PART: Final = {
    "response.output_text": "content_index",
    "response.refusal": "content_index",
    "response.reasoning_text": "content_index",
    "response.reasoning_summary_text": "summary_index",
}

_ITEM = ("item_id", "output_index")
_CONTENT = (*_ITEM, "content_index")
_SUMMARY = (*_ITEM, "summary_index")
_WHOLE = ("response",)

#: Members each event must carry besides ``type`` and ``sequence_number``. Only what api.openai.com has always sent.
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "response.created": _WHOLE,
    "response.queued": _WHOLE,
    "response.in_progress": _WHOLE,
    "response.completed": _WHOLE,
    "response.incomplete": _WHOLE,
    "response.failed": _WHOLE,
    "response.output_item.added": ("output_index", "item"),
    "response.output_item.done": ("output_index", "item"),
    "response.content_part.added": (*_CONTENT, "part"),
    "response.content_part.done": (*_CONTENT, "part"),
    "response.output_text.delta": (*_CONTENT, "delta"),
    "response.output_text.done": (*_CONTENT, "text"),
    "response.output_text.annotation.added": (*_CONTENT, "annotation_index", "annotation"),
    "response.refusal.delta": (*_CONTENT, "delta"),
    "response.refusal.done": (*_CONTENT, "refusal"),
    "response.reasoning_text.delta": (*_CONTENT, "delta"),
    "response.reasoning_text.done": (*_CONTENT, "text"),
    "response.reasoning_summary_part.added": (*_SUMMARY, "part"),
    "response.reasoning_summary_part.done": (*_SUMMARY, "part"),
    "response.reasoning_summary_text.delta": (*_SUMMARY, "delta"),
    "response.reasoning_summary_text.done": (*_SUMMARY, "text"),
    "response.function_call_arguments.delta": (*_ITEM, "delta"),
    "response.function_call_arguments.done": (*_ITEM, "arguments"),
    "response.mcp_call_arguments.delta": (*_ITEM, "delta"),
    "response.mcp_call_arguments.done": (*_ITEM, "arguments"),
    "response.custom_tool_call_input.delta": (*_ITEM, "delta"),
    "response.custom_tool_call_input.done": (*_ITEM, "input"),
    "response.code_interpreter_call_code.delta": (*_ITEM, "delta"),
    "response.code_interpreter_call_code.done": (*_ITEM, "code"),
}
#: Events that must also carry ``logprobs``; OpenAI began to between 20 June and 9 July 2025.
WITH_LOGPROBS: Final = frozenset({"response.output_text.delta", "response.output_text.done"})

#: Members of a part, by its type.
PART_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "output_text": ("text", "annotations"),
    "refusal": ("refusal",),
    "reasoning_text": ("text",),
    "summary_text": ("text",),
}
#: Members of an output item, by its type.
ITEM_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "message": ("id", "role", "status", "content"),
    "function_call": ("id", "call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
    "reasoning": ("id", "summary"),
}
#: Members of the response object that clients read.
RESPONSE_REQUIRED: Final = ("id", "object", "status", "model", "output")
#: Members of a finished response's usage, and the objects in it with the member each must hold.
USAGE_REQUIRED: Final = ("input_tokens", "output_tokens", "total_tokens")
USAGE_DETAILS: Final = (("input_tokens_details", "cached_tokens"), ("output_tokens_details", "reasoning_tokens"))

#: ``created_at`` of the oldest recorded stream of OpenAI whose events are numbered (29 May 2025). The one older
#: recording (27 March 2025) has no sequence_number at all.
NUMBERED_SINCE: Final = 1748488177


def is_own_keepalive(event: JsonObject) -> bool:
    """Whether this is the event by which OpenAI keeps a connection alive: nothing in it but its number."""
    return event.get("type") == "keepalive" and type(event.get("sequence_number")) is int and len(event) == 2
