"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK_USAGE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class UsageUnrequested(Rule):
    """Usage comes although ``stream_options.include_usage`` was not asked for.

    ## What OpenAI does
    Sends no usage key at all unless it is asked: 1,395 of 1,397 recorded streams.

    ## Why it matters
    Many vendors do this on purpose, and most clients are glad of it. openai-java's accumulator takes a chunk with usage
    for the last one and drops its choices.

    ## Repair
    None is needed: the counts are kept. Where they stand on a chunk with choices they go into one of their own, which
    every measured client takes.
    """

    name = "usage-unrequested"
    severity = Severity.INFO
    source = CHAT_CHUNK_USAGE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    needs_request = True
    on = Fact.USAGE
    variants = ("a content chunk has it", "a chunk of its own or the finish chunk has it")

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        usage = chunk.get("usage")
        if not self.ctx.body or self.ctx.include_usage or usage is None:
            return
        self.retire()
        yield self.found(
            "usage comes unasked", at, path="usage", expected="(absent)", actual=usage, variant=_variant(chunk)
        )


def _variant(chunk: JsonObject) -> str:
    """Which form of the deviation it is."""
    goes_on = [choice for choice in reading.choices(chunk) if choice.get("finish_reason") is None]
    return "a content chunk has it" if goes_on else "a chunk of its own or the finish chunk has it"
