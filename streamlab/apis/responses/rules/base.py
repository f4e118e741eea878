"""What the rules of the Responses API share: the reader they ask, and how what it calls odd becomes a finding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamlab.apis.responses.expectations import COMPLETED, FAILED
from streamlab.apis.responses.facts import Odd
from streamlab.apis.responses.final import DONE_ELSEWHERE, lacks_end, left_open, named_end
from streamlab.apis.responses.fold import is_known
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

#: What forms call an item that clients were asked about, and what may stand before one.
KIND = {"message": "a message", "function_call": "a call"}
KINDS = {**KIND, "reasoning": "reasoning"}
#: Forms of what is wrong with a whole answer: who loses a text need not lose a call.
ANSWERS = ("the answer is text", "the answer is calls", "the answer is text and calls")


def answer_form(kinds: Iterable[str]) -> str | None:
    """Which of `ANSWERS` an output is, by the types of its items; None for one that no client was asked about."""
    held = {"message", "function_call"}.intersection(kinds)
    if len(held) == 2:
        return ANSWERS[2]
    return ANSWERS[held == {"function_call"}] if held else None


class ResponsesRule(LateRule):
    """A rule about a Responses stream; it asks ``response`` for what the event means where it stands."""

    @property
    def response(self) -> ResponsesReader:
        """The response so far, the event being judged included."""
        reader = self.ctx.tracker
        assert isinstance(reader, ResponsesReader)
        return reader

    def unlocked(self, how: Repairability = Repairability.SAFE) -> Repairability:
        """How what Codex cannot read the end without is repaired. Where Codex would miss an item that is never done, it
        is not put there; where each such item is added on request, it is on request."""
        reader = self.response
        if not reader.kind == COMPLETED == reader.terminal:
            return how
        left = left_open(reader.items, reader.final or {}, reader.output.assumed)
        open_ = [item for item in left if not (item.opened and is_known(item, None))]
        if open_:
            return (
                Repairability.UNSAFE
                if all(item.number in reader.output.addable for item in open_)
                else Repairability.NONE
            )
        return how

    def is_named_end(self, event: StreamEvent) -> bool:
        """Whether the event being judged ends the response by its name in another API, and is given the one here."""
        value, items, assumed = self.value(event), self.response.items, self.response.output.assumed
        if value.get("type") != DONE_ELSEWHERE:
            return False
        response = as_object(value.get("response"))
        open_ = bool(left_open(items, response, assumed))
        lacks = lacks_end(response, items, lambda item: item.index, open_=open_)
        end = named_end(value, items, assumed, lacks=lacks)
        return end is not None and not end.why

    @staticmethod
    def value(event: StreamEvent) -> JsonObject:
        """The JSON of the event being judged; empty where it is none."""
        return event.json if isinstance(event, Chunk | ErrorPayload) else {}


class OddRule(ResponsesRule):
    """A rule about one thing that the reader calls odd: the fact that it waits for."""

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        return [
            self.found(
                one.said,
                at,
                path=one.path,
                expected=one.expected,
                actual=one.actual,
                severity=self.graded(one),
                repairability=self.repairable(one),
                variant=self.form(one),
            )
            for one in self.response.odd
            if self.concerns(one)
        ]

    def concerns(self, one: Odd) -> bool:
        """Whether this is what the rule is about."""
        return bool(one.fact & self.on)

    def graded(self, one: Odd) -> Severity | None:
        """How grave this one is, where that is not what the rule says."""
        return None

    def form(self, one: Odd) -> str | None:
        """Which form of the deviation this is."""
        return one.form

    def repairable(self, one: Odd) -> Repairability | None:
        """How this one is repaired, where that is not what the rule says."""
        return None


class ItemRule(ResponsesRule):
    """A rule about what an item is added or done with; not about one that comes a second time."""

    def item_of(self, event: StreamEvent) -> JsonObject:
        """The item in the event being judged; empty where there is none."""
        return as_object(self.value(event).get("item")) if self.response.item is not None else {}


class UsageRule(ResponsesRule):
    """A rule about the usage of a response that ends; one that failed has none."""

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        final = self.response.final or {}
        if self.response.terminal == FAILED or not final:
            return None
        usage = final.get("usage")
        return self.judge(at, usage) if type(usage) is dict else self.absent(at, usage)

    def judge(self, at: int, usage: JsonObject) -> Findings | None:
        """What is wrong with it."""
        raise NotImplementedError

    def absent(self, at: int, usage: Any) -> Findings | None:
        """What is wrong where it is no object."""
        return None


__all__ = ["ANSWERS", "KIND", "KINDS", "ItemRule", "OddRule", "Place", "ResponsesRule", "UsageRule", "answer_form"]
