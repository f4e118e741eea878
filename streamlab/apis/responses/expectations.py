"""What api.openai.com sends on ``/v1/responses``, as tables: counted over 2,102 recorded streams, 12 March 2025 to
20 August 2026, and dated where it changed. Where clients are named: measured on 28 November 2026 (docs/clients.md)."""

from __future__ import annotations

from typing import Any, Final

from streamlab.rules.sources import Source
from streamlab.wire.payload import JsonObject

#: What is written nowhere and was counted.
OBSERVED_RESPONSES = Source("api.openai.com, observed", "2,102 streams, March 2025 to August 2026", "")

# -- the response -----------------------------------------------------------------------------------------------------

CREATED: Final = "response.created"
IN_PROGRESS: Final = "response.in_progress"
QUEUED: Final = "response.queued"
COMPLETED: Final = "response.completed"
INCOMPLETE: Final = "response.incomplete"
FAILED: Final = "response.failed"
ERROR: Final = "error"
KEEPALIVE: Final = "keepalive"
ITEM_ADDED: Final = "response.output_item.added"
ITEM_DONE: Final = "response.output_item.done"
#: Exactly one of these ends the answer: completed 2,049, incomplete 48, failed 5 of 2,102.
TERMINAL: Final = frozenset({COMPLETED, INCOMPLETE, FAILED})
#: Events that carry the response.
LIFECYCLE: Final = TERMINAL | {CREATED, QUEUED, IN_PROGRESS}
#: What OpenAI itself sends after the end (28 streams of one project).
AFTER_TERMINAL: Final = frozenset({"response.rate_limits.updated"})

#: Members that the response always had (23 of 23 in all streams but 6 that were edited by hand).
RESPONSE_MEMBERS: Final = (
    "id", "object", "created_at", "status", "error", "incomplete_details", "instructions", "max_output_tokens", "model",
    "output", "parallel_tool_calls", "previous_response_id", "reasoning", "store", "temperature", "text", "tool_choice",
    "tools", "top_p", "truncation", "usage", "user", "metadata",
)  # fmt: skip
#: Those among them that are never null.
NEVER_NULL: Final = frozenset({"object", "created_at", "status", "model", "output", "tools", "metadata"})
#: Those without which the AI SDK rejects ``response.created``.
AI_SDK_NEEDS: Final = frozenset({"object", "created_at", "model"})
#: Members of a finished response's usage, and the objects in it with the member each must hold.
USAGE_REQUIRED: Final = ("input_tokens", "output_tokens", "total_tokens")
USAGE_DETAILS: Final = (("input_tokens_details", "cached_tokens"), ("output_tokens_details", "reasoning_tokens"))
#: What chat completions call the first two.
CHAT_USAGE: Final = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
CHAT_DETAILS: Final = {
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}

#: ``created_at`` of the oldest recorded stream of OpenAI whose events are numbered (29 May 2025).
NUMBERED_SINCE: Final = 1748488177
#: … and from when on its text deltas have ``logprobs`` (between 23 and 26 June 2025).
LOGPROBS_SINCE: Final = 1750896000

#: A silence that is told, one that is worth a warning, and the one after which Codex gives up by default (measured; it
#: counts events alone).
TOLD_US: Final = 5_000_000
LONG_US: Final = 60_000_000
CODEX_IDLE_US: Final = 300_000_000

# -- items ------------------------------------------------------------------------------------------------------------

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
#: Events that open and close a part of an item, and the member that numbers the parts. ``reasoning_part`` is vLLM's.
PARTS: Final = {
    "response.content_part": "content_index",
    "response.reasoning_part": "content_index",
    "response.reasoning_summary_part": "summary_index",
}
#: The member that says in which part of its item a piece lies; pieces that are not here lie in the item itself.
PIECE_PART: Final = {
    "response.output_text": "content_index",
    "response.output_text.annotation": "content_index",
    "response.refusal": "content_index",
    "response.reasoning_text": "content_index",
    "response.reasoning_summary_text": "summary_index",
}
#: Pieces that a client keeps as reasoning: OpenAI itself cuts a summary short, or streams it twice, where the answer
#: runs into ``max_output_tokens`` (5 of 48).
REASONING: Final = frozenset({"response.reasoning_text", "response.reasoning_summary_text"})
#: Pieces that always come in deltas, at least one, where they are not empty (1,562 texts, 573 arguments, 4 inputs).
IN_DELTAS: Final = frozenset(
    {
        "response.output_text",
        "response.refusal",
        "response.function_call_arguments",
        "response.custom_tool_call_input",
    }
)
#: The type of a part -> the piece that fills it.
PART_PIECES: Final = {
    "output_text": "response.output_text",
    "refusal": "response.refusal",
    "summary_text": "response.reasoning_summary_text",
    "reasoning_text": "response.reasoning_text",
}
#: The transitions inside an item of each type: the families of events it may have between added and done. Within a
#: part: added, deltas, done of the piece, done of the part; see `PARTS` and `PIECES`.
ITEM_EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "message": (
        "response.content_part", "response.output_text", "response.output_text.annotation", "response.refusal",
    ),
    "reasoning": (
        "response.reasoning_summary_part", "response.reasoning_summary_text", "response.content_part",
        "response.reasoning_part", "response.reasoning_text",
    ),
    "function_call": ("response.function_call_arguments",),
    "custom_tool_call": ("response.custom_tool_call_input",),
    "web_search_call": ("response.web_search_call",),
    "file_search_call": ("response.file_search_call",),
    "code_interpreter_call": ("response.code_interpreter_call", "response.code_interpreter_call_code"),
    "image_generation_call": ("response.image_generation_call",),
    "mcp_list_tools": ("response.mcp_list_tools",),
    "mcp_call": ("response.mcp_call", "response.mcp_call_arguments"),
    "mcp_approval_request": (),
    "computer_call": (),
    "local_shell_call": (),
    "shell_call": ("response.shell_call_command",),
    "shell_call_output": ("response.shell_call_output_content",),
    "apply_patch_call": ("response.apply_patch_call_operation_diff",),
    "apply_patch_call_output": (),
    "tool_search_call": (),
    "tool_search_output": (),
    "compaction": (),
}  # fmt: skip
#: Families by which an event can belong to one type of item only.
FAMILY_ITEMS: Final = {
    family: frozenset(kind for kind, families in ITEM_EVENTS.items() if family in families)
    for families in ITEM_EVENTS.values()
    for family in families
}
#: Items that OpenAI itself does not close before the response is completed, and that may be open side by side.
UNCLOSED: Final = frozenset({"mcp_list_tools"})
#: Items in which the client is to call something.
CALLS: Final = frozenset({"function_call", "custom_tool_call"})
#: Their member that holds what it is called with.
CALL_INPUT: Final = {"function_call": "arguments", "custom_tool_call": "input"}
#: Items with a status at every moment. Reasoning, compaction and mcp_list_tools never have one.
WITH_STATUS: Final = frozenset({"message", "function_call", "custom_tool_call"})
#: Items that can be added without knowing more than their type: a call needs a name.
ADDABLE: Final = frozenset({"message", "reasoning"})
#: How ids begin that have to be made up.
ID_BEGINS: Final = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}

# -- events -----------------------------------------------------------------------------------------------------------

_STEPS: Final = {
    "response.web_search_call": ("in_progress", "searching", "completed"),
    "response.file_search_call": ("in_progress", "searching", "completed"),
    "response.code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "response.image_generation_call": ("in_progress", "generating", "partial_image", "completed"),
    "response.mcp_list_tools": ("in_progress", "completed", "failed"),
    "response.mcp_call": ("in_progress", "completed", "failed"),
    "response.shell_call_command": ("added", "delta", "done"),
    "response.shell_call_output_content": ("delta", "done"),
    "response.apply_patch_call_operation_diff": ("delta", "done"),
    "response.audio": ("delta", "done"),
    "response.audio.transcript": ("delta", "done"),
}
#: Every type seen in 109,471 events of OpenAI, or documented, until August 2026. New ones appear.
EVENT_TYPES: Final = frozenset(
    {
        *LIFECYCLE, *AFTER_TERMINAL, ITEM_ADDED, ITEM_DONE, "response.output_text.annotation.added",
        *(f"{family}.{step}" for family, steps in _STEPS.items() for step in steps),
        *(f"{family}.{step}" for family in PIECES for step in ("delta", "done")),
        *(f"{family}.{step}" for family in PARTS if family != "response.reasoning_part" for step in ("added", "done")),
    }
)  # fmt: skip
#: Events that name no item (610 of 610).
WITHOUT_ITEM_ID: Final = frozenset({"response.shell_call_command"})
#: Members that an event has beside those that say where it belongs.
OWN_MEMBERS: Final[dict[str, str]] = {
    ITEM_ADDED: "item",
    ITEM_DONE: "item",
    **{f"{family}.{step}": "part" for family in PARTS for step in ("added", "done")},
    **{f"{family}.done": member for family, member in PIECES.items()},
    "response.output_text.annotation.added": "annotation",
}


def is_own_keepalive(event: JsonObject) -> bool:
    """Whether this is the event by which OpenAI keeps a connection alive: nothing in it but its number."""
    return event.get("type") == KEEPALIVE and event.keys() <= {"type", "sequence_number"}


def family_of(kind: str) -> tuple[str, str]:
    """The family and the step of an event's type: ``response.output_text`` and ``delta``."""
    family, _, step = kind.rpartition(".")
    return family, step


def told_within(delta: Any) -> str | None:
    """The text of a delta that is an object, as deltas of Messages and of chat completions are; None where there is
    none, or more."""
    text = delta.get("text") if type(delta) is dict else None
    return text if type(text) is str and delta.keys() <= {"text", "type"} else None


def text_of(value: Any) -> str:
    """A text, where it is one."""
    return value if type(value) is str else ""


def input_in(item: JsonObject, kind: str) -> Any:
    """What an item of a type holds of the input of its call; None where that type calls nothing."""
    member = CALL_INPUT.get(kind)
    return item.get(member) if member is not None else None
