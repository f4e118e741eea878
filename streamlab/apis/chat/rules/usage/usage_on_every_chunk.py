"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Closing
from streamlab.apis.chat.usage_numbers import NUMBERS
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_USAGE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class UsageOnEveryChunk(LateRule):
    """More than one chunk has usage.

    ## What OpenAI does
    Sends usage once, and null (or no key) in every other chunk.

    ## Why it matters
    LangChain, pydantic-ai, Agno, smolagents and openai-go add up what they get, so counts grow with the length of the
    answer (13 tokens in place of 3), also when usage merely comes twice; AutoGen loses the finish_reason. Measured.
    Where a count falls, the TensorZero gateway ends with another usage as well. Where usage is ``{}`` until the end,
    smolagents raises and BAML loses the text. Where its cost is an object, Agno raises, once or often:
    unknown-extension-fields. Numbers that are null are usage-inconsistent, and so is what comes of
    them. Where all counts are 0 until the last, any sum is right, and AutoGen alone is hurt: a warning. Whoever asks
    for ``continuous_usage_stats`` gets what was asked for.

    ## Repair
    The last usage is kept. In the other chunks stands null where usage was asked for, and no key where it was not.
    """

    name = "usage-on-every-chunk"
    severity = Severity.ERROR
    source = CHAT_CHUNK_USAGE
    repairability = Repairability.SAFE
    repair = Closing
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.USAGE
    ends_after = on
    variants = (
        "it has numbers",
        "its numbers fall",
        "it comes twice",
        "it comes twice, once with the finish",
        "it is an empty object until the end",
        "some of its numbers are null until the end",
        "it has numbers, and its cost is no number",
        "it comes twice, once with the finish, and its cost is no number",
        "its numbers fall, and its cost is no number",
        "it comes twice, and its cost is no number",
        "its counts are 0 until the end",
    )

    _chunks = 0
    _empty = 0  # of these, how many had an empty object
    _zero = 0  # how many had counts that are all 0
    _null = 0  # and how many had null for a count
    _finish = False  # a finish chunk had it
    _falls = False  # a count was less than before
    _before: JsonObject | None = None
    _cost = False  # a cost was no number
    _place: Place | None = None  # the first that is not where OpenAI has it

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        usage = chunk.get("usage")
        if usage is None:
            return
        self._finish |= any(choice.get("finish_reason") is not None for choice in reading.choices(chunk))
        self._chunks += 1
        self._falls |= _falls(self._before or {}, usage)
        self._before = usage if type(usage) is dict else None
        self._empty += usage == {}
        self._zero += bool(usage) and _counts_nothing(usage)
        self._null += type(usage) is dict and any(usage.get(key, 0) is None for key in NUMBERS)
        self._cost |= isinstance(reading.as_object(usage).get("cost"), dict | list | str)
        if self._place is None and (self._chunks > 1 or not self._at_the_end(chunk)):
            self._place = self.keep(at, event, "usage")

    def _at_the_end(self, chunk: JsonObject) -> bool:
        """Whether it is a chunk without choices that follows the finish."""
        return not reading.choices(chunk) and bool(self.ctx.seen.finish_at)

    def end(self, ending: Ending) -> Findings:
        if self._place is None or self._chunks < 2 or reading.wants_running_usage(self.ctx.body):
            return
        total = self.ctx.seen.chunks
        share = "every chunk" if self._chunks >= total else f"{self._chunks} of {total} chunks"
        harmless = self._zero == self._chunks - 1
        yield self.found_at(
            self._place,
            f"usage comes in {share}{', with counts of 0 before the last' * harmless}",
            expected="once, at the end",
            actual=self._chunks,
            severity=Severity.WARNING if harmless else None,
            variant=self._variant(harmless=harmless),
        )

    def _variant(self, *, harmless: bool) -> str | None:
        """Which form of the deviation it is; None for empty objects, or null, between others, and for zeros in no
        chunk that finishes."""
        if harmless:
            return "its counts are 0 until the end" if self._finish else None
        if self._empty:
            return "it is an empty object until the end" if self._empty >= self._chunks - 1 else None
        if self._null:
            return "some of its numbers are null until the end" if self._null == self._chunks - 1 else None
        cost = ", and its cost is no number" * self._cost
        if self._falls:
            return f"its numbers fall{cost}"
        if self._chunks > 2:
            return f"it has numbers{cost}"
        return f"it comes twice{', once with the finish' * self._finish}{cost}"


def _counts_nothing(usage: Any) -> bool:
    """Whether usage is an object in which every number is 0."""
    values = list(usage.values()) if type(usage) is dict else [1]
    return all(_counts_nothing(one) if type(one) is dict else type(one) is int and not one for one in values)


def _falls(before: JsonObject, usage: Any) -> bool:
    """Whether a count is less than in the usage before."""
    pairs = [(before.get(key), usage.get(key)) for key in NUMBERS] if type(usage) is dict else []
    return any(type(was) is int and type(now) is int and now < was for was, now in pairs)
