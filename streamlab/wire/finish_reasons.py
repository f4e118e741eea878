"""What servers write into ``finish_reason``: OpenAI's words, other spellings of them, and what says nothing at all."""

from __future__ import annotations

from typing import Any

KNOWN_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
#: Those of an answer that breaks off.
CUTTING_REASONS = frozenset({"length", "content_filter"})
_STOP = (
    *("eos", "eos_token", "end_turn", "stop_sequence", "stop_token"),
    *("end", "finish", "complete", "completed", "done"),
)
_LENGTH = ("max_tokens", "max_output_tokens", "model_length", "max_length", "token_limit")
_CALLS = ("tool_call", "tool-calls", "tool_use", "function_calls")
_FILTER = (
    *("content_filtered", "content-filter", "safety", "sensitive"),
    *("recitation", "refusal", "blocklist"),
)
_MEANINGS = {
    **dict.fromkeys(_STOP, "stop"),
    **dict.fromkeys(_LENGTH, "length"),
    **dict.fromkeys(_CALLS, "tool_calls"),
    **dict.fromkeys(_FILTER, "content_filter"),
}
#: Where gateways put a reason that belongs into the choice, by its right name and by Gemini's.
_STRAY = ("finishReason", "finish_reason")
_BLANK = frozenset({"", "null", "none"})


def meaning_of(reason: Any) -> str | None:
    """OpenAI's name for a reason to finish; None when it has none."""
    if type(reason) is not str:
        return None
    lower = reason.strip().lower()
    return lower if lower in KNOWN_REASONS else _MEANINGS.get(lower)


def is_blank(reason: Any) -> bool:
    """Whether a value stands where null should: ``""``, ``"null"``, false."""
    return reason is False or (type(reason) is str and reason.strip().lower() in _BLANK)


def stray_reason(chunk: dict[str, Any], choice: dict[str, Any]) -> tuple[str, str] | None:
    """OpenAI's name for a reason to finish that stands where no client looks, and where that is: under Gemini's name,
    in the delta, or beside the only choice. None where the choice has a reason of its own, or none is told."""
    own, delta = choice.get("finish_reason"), choice.get("delta")
    if own is not None and not is_blank(own):
        return None
    holders = [("choices[].", choice), ("choices[].delta.", delta if type(delta) is dict else {})]
    if len(chunk["choices"]) == 1:
        holders.append(("", chunk))
    for path, holder in holders:
        for key in _STRAY:
            reason = meaning_of(holder.get(key))
            if reason is not None:
                return reason, path + key
    return None
