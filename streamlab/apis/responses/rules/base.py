"""What the rules of the Responses API share: the reader they ask, and how what it calls odd becomes a finding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from streamlab.apis.responses.expectations import COMPLETED, FAILED
from streamlab.apis.responses.facts import Odd
from streamlab.apis.responses.final import DONE_ELSEWHERE, lacks_end, left_open, named_end, pairs
from streamlab.apis.responses.fold import is_known
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_LIVES = ("created", "in_progress", "completed")
#: Findings that are kept until the stream is over; more are not told.
_MOST_KEPT = 1_000
#: What forms call an item that clients were asked about, and what may stand before one.
KIND = {"message": "a message", "function_call": "a call"}
KINDS = {**KIND, "reasoning": "reasoning"}
#: Forms of what is wrong with a whole answer: who loses a text need not lose a call.
ANSWERS = ("the answer is text", "the answer is calls", "the answer is text and calls")


def lack(holder: JsonObject, member: str) -> str:
    """How a member that should be there is not, in the words of forms."""
    if member not in holder:
        return "absent"
    value = holder[member]
    if value is None:
        return "null"
    return "empty" if value == "" else "an object" if type(value) is dict else "another"


def placed(hows: Iterable[str], kinds: Iterable[str]) -> tuple[str, ...]:
    """The forms of a deviation of one member, by how it is and in which event: `ResponsesRule.form_at` tells which."""
    listed = tuple(hows)
    return tuple(f"it is {how} in {kind}" for kind in kinds for how in listed)


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

    def form_at(self, holder: JsonObject, member: str) -> str | None:
        """Which of the `placed` forms it is in the event being judged; None for one that no client was asked about."""
        form = f"it is {lack(holder, member)} in {self.response.kind.removeprefix('response.')}"
        return self.form_asked(form)

    def finished_items(self) -> dict[int, JsonObject]:
        """By the number of each item: what the response that ended it lists as that item."""
        listed = as_list((self.response.final or {}).get("output"))
        return {item.number: found for _, found, item in pairs(listed, self.response.items).paired}

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


class InItemRule(ResponsesRule):
    """A rule about a member that an item lacks when it is added, when it is done, or both times.

    Clients were asked where one of these lacks it, and where all do, the finished response with them: some take what
    is said nowhere, and stumble over what is said once. So which it is, is told when the stream is over.
    """

    member: ClassVar[str]

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._kept: list[tuple[Finding, Item, str]] = []
        self._where: dict[int, dict[str, str]] = {}  # item -> event -> how the member is

    def later(self, finding: Finding, event: StreamEvent) -> None:
        """Keep a finding about the item of the event being judged."""
        item, listed = self.response.item, as_object(self.value(event).get("item"))
        if item is not None and len(self._kept) < _MOST_KEPT:
            how = lack(listed, self.member)
            self._where.setdefault(item.number, {})[self.response.kind] = how
            self._kept.append((self.placed(finding, event), item, how))

    def end(self, ending: Ending) -> Findings:
        finished = self.finished_items()
        for finding, item, how in self._kept:
            form = self._form(item, how, finished.get(item.number))
            yield self.in_form(finding, form)

    def _form(self, item: Item, how: str, finished: JsonObject | None) -> str | None:
        where = self._where[item.number]
        if finished is None or set(where.values()) != {how}:
            return None
        whole = bool(finished.get(self.member)) or type(finished.get(self.member)) is list
        if len(where) == 2:
            return None if whole else f"{self.called(item)} is {how} everywhere"
        kind = next(iter(where)).removeprefix("response.")
        return f"{self.called(item)} is {how} in {kind} alone" if whole else None

    def called(self, item: Item) -> str:
        """What the forms call the member."""
        return "it"


def of_items(hows: Iterable[str], subjects: Iterable[str] = ("it",)) -> tuple[str, ...]:
    """The forms of an `InItemRule`."""
    events = ("in output_item.added alone", "in output_item.done alone", "everywhere")
    listed = tuple(hows)
    return tuple(f"{one} is {how} {where}" for one in subjects for where in events for how in listed)


class InLifeRule(ResponsesRule):
    """A rule about what an event with the response lacks: clients were asked where one of them does, and all."""

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._kept: list[tuple[Finding, str, str]] = []

    def later(self, finding: Finding, event: StreamEvent, how: str) -> None:
        """Keep a finding about the event being judged."""
        if len(self._kept) < _MOST_KEPT:
            self._kept.append((self.placed(finding, event), self.response.kind.removeprefix("response."), how))

    def end(self, ending: Ending) -> Findings:
        where = {(kind, how) for _, kind, how in self._kept}
        for finding, kind, how in self._kept:
            form = f"it is {how} in {kind} alone" if len(where) == 1 else None
            if where == {(one, how) for one in _LIVES}:
                form = f"it is {how} in all of them"
            yield self.in_form(finding, form)


def of_lives(hows: Iterable[str]) -> tuple[str, ...]:
    """The forms of an `InLifeRule`."""
    listed = tuple(hows)
    return tuple(
        f"it is {how} in {where}" for where in (*(f"{one} alone" for one in _LIVES), "all of them") for how in listed
    )


class OddRule(ResponsesRule):
    """A rule about one thing that the reader calls odd: the fact that it waits for."""

    _value: JsonObject | None = None  # of the event being judged

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        self._value = self.value(event)
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


__all__ = [
    "ANSWERS",
    "KIND",
    "KINDS",
    "InItemRule",
    "InLifeRule",
    "ItemRule",
    "OddRule",
    "Place",
    "ResponsesRule",
    "UsageRule",
    "answer_form",
    "lack",
    "of_items",
    "of_lives",
    "placed",
]
