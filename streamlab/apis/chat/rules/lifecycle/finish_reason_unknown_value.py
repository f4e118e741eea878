"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import KNOWN_REASONS, is_blank, meaning_of
from streamlab.wire.reading import Fact


class FinishReasonUnknownValue(Rule):
    """``finish_reason`` is none of the values that OpenAI defines.

    ## What OpenAI does
    Sends ``stop``, ``length``, ``tool_calls``, ``content_filter`` or the old ``function_call``; nothing else.

    ## Why it matters
    {clients: another finish_reason when it is a known word in capitals} measured clients report a wrong or empty reason
    for ``STOP``; typed clients (async-openai, Spring AI) refuse the chunk. ``error`` in this place looks like a normal
    end to nearly all.

    ## Repair
    Known spellings are mapped (``STOP``, ``eos_token``, ``end_turn`` to ``stop``; ``MAX_TOKENS`` to ``length``;
    ``tool_use`` to ``tool_calls``; ``SAFETY`` to ``content_filter``). What they mean is no guess; any other value
    is.
    """

    name = "finish-reason-unknown-value"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repairability = Repairability.SAFE
    repair = ChoiceShape
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.FINISH
    variants = ("it is a number", "it is a known word in capitals", "it is another word")

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            reason = reading.finish_reason(choice)
            if reason is None or (isinstance(reason, str) and reason in KNOWN_REASONS) or is_blank(reason):
                continue  # finish-reason-empty-string judges blanks
            meaning = meaning_of(reason)
            yield self.found(
                f"finish_reason is {quote(reason)}" + (f", which OpenAI calls {quote(meaning)}" if meaning else ""),
                at,
                path=f"choices[{position}].finish_reason",
                expected=meaning or "stop, length, tool_calls, content_filter or function_call",
                actual=reason,
                repairability=Repairability.SAFE if meaning else Repairability.NONE,
                variant=_variant(reason),
            )


def _variant(reason: Any) -> str | None:
    """Which form of the deviation it is; None for one that no client was asked about."""
    if type(reason) is not str:
        return "it is a number" if type(reason) is int else None
    return "it is a known word in capitals" if reason.lower() in KNOWN_REASONS else "it is another word"
