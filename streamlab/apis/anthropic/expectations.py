"""What api.anthropic.com sends on ``/v1/messages``, as tables: counted over 4,061 recorded streams, March 2024 to
August 2026, and dated where it changed. Where clients are named: measured on 28 November 2026 (docs/clients.md)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from streamlab.rules.sources import Source

#: What is written nowhere and was counted.
OBSERVED_MESSAGES = Source("api.anthropic.com, observed", "4,061 streams, March 2024 to August 2026", "")
_DOCS = "https://docs.claude.com/en/docs/build-with-claude/streaming"
MESSAGES_STREAMING = Source("Anthropic documentation", "Streaming messages", _DOCS)
MESSAGES_ERRORS = Source("Anthropic documentation", "Errors", "https://docs.claude.com/en/api/errors")
MESSAGES_STOP_REASONS = Source(
    "Anthropic documentation",
    "Handling stop reasons",
    "https://docs.claude.com/en/docs/build-with-claude/handling-stop-reasons",
)
MESSAGES_THINKING = Source(
    "Anthropic documentation",
    "Extended thinking",
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
)

# -- events -----------------------------------------------------------------------------------------------------------

MESSAGE_START: Final = "message_start"
BLOCK_START: Final = "content_block_start"
BLOCK_DELTA: Final = "content_block_delta"
BLOCK_STOP: Final = "content_block_stop"
MESSAGE_DELTA: Final = "message_delta"
MESSAGE_STOP: Final = "message_stop"
PING: Final = "ping"
ERROR: Final = "error"
#: Every event type seen or documented. In this order: one message_start; each block's start, deltas and stop, block
#: after block, without overlap; one message_delta; message_stop. Pings anywhere; an error last.
EVENT_TYPES: Final = frozenset(
    {MESSAGE_START, BLOCK_START, BLOCK_DELTA, BLOCK_STOP, MESSAGE_DELTA, MESSAGE_STOP, PING, ERROR}
)

# -- blocks -----------------------------------------------------------------------------------------------------------


class BlockType(NamedTuple):
    """One type of content block: the members its start has, with the type of each, and the deltas that may follow."""

    members: tuple[tuple[str, type | tuple[type, ...]], ...]
    deltas: tuple[str, ...]
    seen: int  # blocks counted


_TOOL: Final = (("id", str), ("name", str), ("input", dict))
_RESULT: Final = (("tool_use_id", str), ("content", (list, dict, str)))
BLOCK_TYPES: Final[dict[str, BlockType]] = {
    "text": BlockType((("text", str),), ("citations_delta", "text_delta"), 3421),
    "thinking": BlockType((("thinking", str), ("signature", str)), ("thinking_delta", "signature_delta"), 425),
    "redacted_thinking": BlockType((("data", str),), (), 6),
    "tool_use": BlockType(_TOOL, ("input_json_delta",), 1402),
    "server_tool_use": BlockType(_TOOL, ("input_json_delta",), 126),
    "mcp_tool_use": BlockType(_TOOL, ("input_json_delta",), 5),
    "web_search_tool_result": BlockType(_RESULT, (), 78),
    "web_fetch_tool_result": BlockType(_RESULT, (), 21),
    "code_execution_tool_result": BlockType(_RESULT, (), 9),
    "bash_code_execution_tool_result": BlockType(_RESULT, (), 7),
    "text_editor_code_execution_tool_result": BlockType(_RESULT, (), 8),
    "mcp_tool_result": BlockType(_RESULT, (), 4),
    "tool_search_tool_result": BlockType(_RESULT, (), 2),
    "advisor_tool_result": BlockType(_RESULT, (), 1),
    "container_upload": BlockType((), (), 0),  # documented, not seen
    "compaction": BlockType((), ("compaction_delta",), 2),
}
#: Blocks in which somebody is called: those a client runs, and those the server runs itself.
CLIENT_TOOL: Final = "tool_use"
TOOL_BLOCKS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})

#: Delta types, the member that each must have, as a string; None where it is of another type.
DELTA_TYPES: Final[dict[str, str | None]] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
    "citations_delta": None,
    "compaction_delta": None,
}
#: The delta type that a member names, where the type is missing.
MEMBER_DELTAS: Final = {member: kind for kind, member in DELTA_TYPES.items() if member is not None} | {
    "citation": "citations_delta"
}
#: The block type that a delta type names, where its block was never opened; a tool needs an id and a name besides.
DELTA_BLOCKS: Final = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}

# -- message ----------------------------------------------------------------------------------------------------------

#: stop_reason and how often it was seen; the last three are documented.
STOP_REASONS: Final = {
    "end_turn": 2646,
    "tool_use": 1304,
    "max_tokens": 62,
    "stop_sequence": 44,
    "pause_turn": 1,
    "refusal": 0,
    "model_context_window_exceeded": 0,
    "compaction": 0,
}
#: What other APIs say instead, and what it means here.
FOREIGN_STOP_REASONS: Final = {
    "stop": "end_turn",
    "eos": "end_turn",
    "eos_token": "end_turn",
    "complete": "end_turn",
    "completed": "end_turn",
    "STOP": "end_turn",
    "length": "max_tokens",
    "MAX_TOKENS": "max_tokens",
    "max_output_tokens": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "SAFETY": "refusal",
}
#: With these the last tool input may be cut. 0 of 62 answers with max_tokens were; nothing promises it.
CUTTING_REASONS: Final = frozenset({"max_tokens", "refusal", "pause_turn", "model_context_window_exceeded"})

#: Members of ``message`` in message_start without which official clients stumble, and what they hold when empty.
MESSAGE_MEMBERS: Final[dict[str, Any]] = {
    "type": "message",
    "role": "assistant",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}
#: Beginnings of ids: Anthropic's, Vertex's, Bedrock's.
MESSAGE_IDS: Final = ("msg_",)
TOOL_IDS: Final = ("toolu_", "srvtoolu_", "mcptoolu_")

# -- usage ------------------------------------------------------------------------------------------------------------

INPUT_TOKENS: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
#: Of the last message_delta these hold over message_start, member by member. Until 14 Aug 2025, and on Vertex and
#: Bedrock, message_delta has output_tokens alone.
USAGE_TOKENS: Final = (*INPUT_TOKENS, "output_tokens")
OPENAI_USAGE: Final = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
#: Those, and the names of Bedrock's Converse.
FOREIGN_USAGE: Final = OPENAI_USAGE | {"inputTokens": "input_tokens", "outputTokens": "output_tokens"}

# -- errors -----------------------------------------------------------------------------------------------------------

#: Error types by HTTP status, as documented.
ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}

# -- limits of clients ------------------------------------------------------------------------------------------------

#: Claude Code 2.1.332 behind a base URL gives up after this long without a byte; pings and comments both count.
CLAUDE_CODE_IDLE_US: Final = 300_000_000
#: From here on somebody on the way gives up as well (nginx and AWS load balancers: 60 seconds).
LONG_SILENCE_US: Final = 60_000_000

# -- dated changes ----------------------------------------------------------------------------------------------------


class Dated(NamedTuple):
    """A member or habit that appeared or went between two days; how many dated streams are on either side."""

    what: str
    since: str
    counted: str


CHANGES: Final = (
    Dated("0 to 15 spaces before the last brace of every event but ping", "4 Mar - 6 Apr 2024", "1,712 of 1,712 later"),
    Dated("usage.cache_creation_input_tokens, cache_read_input_tokens", "19 Oct - 30 Nov 2024", "all since Jan 2025"),
    Dated("usage.service_tier", "14 - 26 May 2025", "1,589 / 181"),
    Dated("usage.cache_creation {ephemeral_5m..., ephemeral_1h...}", "12 - 14 Aug 2025", "1,487 / 283"),
    Dated("message_delta.usage with input and cache tokens", "14 - 17 Aug 2025", "before: output_tokens only"),
    Dated("ping after a delta or none, instead of one after the first block's start", "14 - 17 Aug 2025", "790"),
    Dated("model first in message", "2 - 7 Oct 2025", "1,178 / 535"),
    Dated("ping after the first block's start again", "12 - 13 Jan 2026", "695 of 695"),
    Dated("inference_geo", "3 - 6 Feb 2026", "489 / 1,281"),
    Dated("tool_use.caller", "14 - 15 Feb 2026", "119 / 524"),
    Dated("stop_details (null) in message and delta", "18 Mar - 2 Apr 2026", "260 / 1,510"),
    Dated("context_management in message_delta, with the beta", "18 Mar 2026", "114"),
    Dated("usage.output_tokens_details", "28 May 2026", "81 of 159 since"),
)
