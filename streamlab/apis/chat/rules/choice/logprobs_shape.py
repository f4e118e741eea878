"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_LOGPROBS
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_LEGACY = ("tokens", "token_logprobs", "top_logprobs", "text_offset")


class LogprobsShape(Rule):
    """``logprobs`` has another shape than the endpoint promises.

    ## What OpenAI does
    Chat: ``{content: [{token, logprob, bytes, top_logprobs}], refusal}``. Legacy completions: ``{tokens,
    token_logprobs, top_logprobs, text_offset}``. Null is fine everywhere. The refusal key came in August 2024; that it
    is missing is not judged. Whether tokens and text match is not judged either: tokens may hold parts of characters.

    ## Why it matters
    Servers that reuse their legacy code send its shape in chat. Clients that ask for logprobs find none of the lists
    they read; openai-node asserts that nothing is left over.

    ## Repair
    None: the legacy shape has no bytes of the tokens.
    """

    name = "logprobs-shape"
    severity = Severity.WARNING
    source = CHAT_CHUNK_LOGPROBS
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.LOGPROBS

    def event(self, at: int, event: StreamEvent) -> Findings:
        judge = _chat_fault if self.ctx.api.name == api_names.CHAT else _legacy_fault
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            logprobs = choice.get("logprobs")
            fault = judge(logprobs) if logprobs is not None else None
            if fault is not None:
                self.retire()
                path = f"choices[{position}].logprobs"
                yield self.found(f"logprobs {fault}", at, path=path, actual=logprobs)
                return


def _chat_fault(logprobs: Any) -> str | None:
    if type(logprobs) is not dict:
        return f"is {quote(logprobs)}, no object"
    if "tokens" in logprobs or "token_logprobs" in logprobs:
        return "has the shape of legacy completions"
    if "content" not in logprobs and "refusal" not in logprobs:
        return "has neither content nor refusal"
    for key in ("content", "refusal"):
        entries = logprobs.get(key)
        if entries is not None and type(entries) is not list:
            return f"has {key} that is no list"
        for entry in entries or ():
            fault = _entry_fault(entry)
            if fault is not None:
                return f"has an entry in {key} {fault}"
    return None


def _entry_fault(entry: Any) -> str | None:
    if type(entry) is not dict:
        return "that is no object"
    if type(entry.get("token")) is not str:
        return "without a token"
    if type(entry.get("logprob")) not in (int, float):
        return "without a logprob"
    if "bytes" not in entry or type(entry.get("top_logprobs")) is not list:
        return f"without {'bytes' if 'bytes' not in entry else 'a list of top_logprobs'}"
    return None


def _legacy_fault(logprobs: Any) -> str | None:
    if type(logprobs) is not dict:
        return f"is {quote(logprobs)}, no object"
    if "tokens" not in logprobs and "content" in logprobs:
        return "has the shape of chat completions"
    missing = [key for key in _LEGACY if key not in logprobs]
    return f"has no {missing[0]}" if missing else None
