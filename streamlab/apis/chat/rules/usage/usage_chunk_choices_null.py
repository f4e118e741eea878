"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_USAGE
from streamlab.wire import error_objects, reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class UsageChunkChoicesNull(Rule):
    """The usage chunk has no list of choices.

    ## What OpenAI does
    Sends ``"choices": []`` there.

    ## Why it matters
    The loops that openai-python and openai-node document, both ``.stream()`` helpers and both providers of the AI SDK
    raise on it, measured: after the whole answer has come through.

    ## Repair
    ``choices`` becomes an empty list.
    """

    name = "usage-chunk-choices-null"
    severity = Severity.ERROR
    source = CHAT_CHUNK_USAGE
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.USAGE

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        choices = chunk.get("choices", "(absent)")
        if chunk.get("usage") is None or type(choices) is list or error_objects.flat_error(chunk) is not None:
            return
        yield self.found(
            f"the usage chunk has {'no choices' if choices == '(absent)' else f'choices {quote(choices)}'}",
            at,
            path="choices",
            expected=[],
            actual=choices,
        )
