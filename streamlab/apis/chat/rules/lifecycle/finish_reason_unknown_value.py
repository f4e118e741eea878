"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs.choices import ChoiceShape
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

_KNOWN = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
#: finish-reason-empty-string judges these.
_BLANK = frozenset({"", "null"})
_STOP = ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "end", "finish", "complete", "completed", "done")
_LENGTH = ("length", "max_tokens", "max_output_tokens", "model_length", "max_length", "token_limit")
_CALLS = ("tool_calls", "tool_call", "tool_use", "function_calls", "function_call")
_FILTER = ("content_filter", "content_filtered", "safety", "sensitive", "recitation", "refusal", "blocklist")
#: Spellings with one meaning, in lower case.
MEANINGS = {
    **dict.fromkeys(_STOP, "stop"),
    **dict.fromkeys(_LENGTH, "length"),
    **dict.fromkeys(_CALLS, "tool_calls"),
    **dict.fromkeys(_FILTER, "content_filter"),
}


class FinishReasonUnknownValue(Rule):
    """``finish_reason`` is none of the values that OpenAI defines.

    ## What OpenAI does
    Sends ``stop``, ``length``, ``tool_calls``, ``content_filter`` or the old ``function_call``; nothing else.

    ## Why it matters
    {clients: another finish_reason when it is another word} measured clients report a wrong or empty reason for
    ``STOP``; typed clients (async-openai, Spring AI) refuse the chunk. ``error`` in this place looks like a normal end
    to nearly all.

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
    variants = ("it is a number", "it is another word")

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            reason = reading.finish_reason(choice)
            if reason is None or (isinstance(reason, str) and (reason in _KNOWN or reason in _BLANK)):
                continue
            meaning = MEANINGS.get(reason.lower()) if isinstance(reason, str) else None
            yield self.found(
                f"finish_reason is {quote(reason)}" + (f", which OpenAI calls {quote(meaning)}" if meaning else ""),
                at,
                path=f"choices[{position}].finish_reason",
                expected=meaning or "stop, length, tool_calls, content_filter or function_call",
                actual=reason,
                repairability=Repairability.SAFE if meaning else Repairability.UNSAFE,
                variant={str: "it is another word", int: "it is a number"}.get(type(reason)),
            )
