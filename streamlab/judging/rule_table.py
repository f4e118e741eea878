"""Which rules are asked about what: worked out once for each combination of facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING

from streamlab.judging.judged import left_out
from streamlab.judging.places import Key
from streamlab.record import Record
from streamlab.rules.api import Api, in_scope
from streamlab.rules.card import RuleCard
from streamlab.rules.finding import Finding
from streamlab.rules.state import RuleState
from streamlab.rules.whole import facts_of_whole
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import Run

if TYPE_CHECKING:
    from streamlab.rules.base import Rule

SegmentHook = Callable[[int | None, bytes], Iterable[Finding] | None]
EventHook = Callable[[int, StreamEvent], Iterable[Finding] | None]
#: What rules said of the template of a run, by their hooks.
Judged = dict[EventHook, tuple[Key, ...]]
_MAX_COMBINATIONS = 4096


@cache
def _judging(
    rules: tuple[RuleCard, ...], api: Api, status: str, timing_known: bool, request_known: bool, framing_known: bool
) -> tuple[RuleCard, ...]:
    """The rules that can judge such an exchange."""
    return tuple(
        rule
        for rule in rules
        if in_scope(rule.apis, rule.module, api)
        and status in rule.statuses
        and (timing_known or not rule.needs_timing)
        and (request_known or not rule.needs_request)
        and (framing_known or not rule.needs_framing)
    )


@cache
def told_by(rules: tuple[RuleCard, ...]) -> dict[str, frozenset[str]]:
    """By the name of each of these rules that tell what others tell as well, those (`Rule.instead_of`)."""
    return {rule.name: rule.instead_of for rule in rules if rule.instead_of}


class _Places(Record, frozen=True):
    """Which of some rules have a hook, by their place among them; of those that end, what they end after, too."""

    shape: tuple[int, ...]
    end: tuple[tuple[int, int], ...]
    segment: tuple[int, ...]
    event: tuple[int, ...]


@cache
def _places(rules: tuple[RuleCard, ...]) -> _Places:
    shape, segment = (tuple(at for at, one in enumerate(rules) if hook in one.hooks) for hook in ("shape", "segment"))
    end = tuple((at, one.ends_after) for at, one in enumerate(rules) if "end" in one.hooks)
    return _Places(shape, end, segment, tuple(at for at, one in enumerate(rules) if one.on))


@cache
def _waiting(rules: tuple[RuleCard, ...]) -> dict[int, tuple[int, ...]]:
    """Facts of an event -> which of these rules wait for it, as far as it was worked out for any exchange."""
    return {}


class _Made(dict[int, "Rule"]):
    """The rules that were made for an exchange, by their places; one that is looked up is made."""

    __slots__ = ("_cards", "_ctx")

    def __init__(self, cards: tuple[RuleCard, ...], ctx: RuleState) -> None:
        super().__init__()
        self._cards, self._ctx = cards, ctx

    def __missing__(self, at: int) -> Rule:
        rule = self[at] = self._cards[at].rule(self._ctx)
        return rule


class RuleTable:
    """The rules that judge one exchange, and the hooks to call for a read or an event.

    A rule is loaded and made when it is first to be asked, so one whose facts never come is not. One that has nothing
    more to look for retires: `RuleState.unsettled` says for which events it has to be worked out anew whom to ask.
    """

    def __init__(self, cards: tuple[RuleCard, ...], ctx: RuleState) -> None:
        head = ctx.head
        status = "ok" if head is None or 200 <= head.status < 300 else "error"
        self._ctx = ctx
        framing_known = ctx.notes.get("framing") != "unknown"
        chosen = _judging(cards, ctx.api, status, ctx.received.timing_known, ctx.request_known, framing_known)
        if left_out(ctx.notes) is not None:
            chosen = ()  # whatever were said would be about an empty body, or about half of one
        places = _places(chosen)
        self._cards = chosen
        self._made = made = _Made(chosen, ctx)
        self.shape_rules = [made[at] for at in places.shape]
        self._segment_rules = [made[at] for at in places.segment]
        self._event_places, self._end_places = places.event, places.end
        self._seen = 0  # the facts of all events
        self._waiting = _waiting(chosen)
        self._segment_hooks: list[SegmentHook] = [rule.segment for rule in self._segment_rules]
        self._event_hooks: dict[int, tuple[EventHook, ...]] = {}
        self._event_rules: dict[int, tuple[Rule, ...]] = {}  # of the same events, those that asked no more among them
        self._retirements = ctx.retirements

    def for_read(self) -> list[SegmentHook]:
        """Whom to ask about a read of the body."""
        if self._ctx.retirements != self._retirements:
            self._retirements = self._ctx.retirements
            self._segment_hooks = [rule.segment for rule in self._segment_rules if not rule.reads_retired]
        return self._segment_hooks

    def for_reads(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> list[SegmentHook]:
        """Whom to ask about each of several reads in all of which a run goes on; the others take them as they are."""
        return [
            rule.segment for rule in self._segment_rules if not (rule.reads_retired or rule.segments(offsets, data))
        ]

    def for_event(self, facts: int) -> tuple[EventHook, ...]:
        """Whom to ask about an event with these facts."""
        unsettled = self._ctx.unsettled
        if unsettled:
            self._ctx.unsettled = 0
            for known in [one for one in self._event_hooks if one & unsettled]:
                del self._event_hooks[known]
        hooks = self._event_hooks.get(facts)
        return hooks if hooks is not None else self._work_out(facts)  # () is an answer: nobody

    def for_end(self) -> list[Rule]:
        """Whom to ask once the exchange is over."""
        made = self._made
        open_ones = [after for at, after in self._end_places if at not in made]
        facts = self._seen | facts_of_whole(self._ctx, reduce(or_, open_ones, 0))
        return [made[at] for at, after in self._end_places if at in made or not after or after & facts]

    def on_a_run(self, facts: int, said: Mapping[EventHook, Sequence[Key]], chunk: JsonObject) -> Judged | None:
        """What the rules that waited for a chunk said of it, as far as they say it of each that is like it; None
        where one that waits on spoke for other reasons."""
        judged: Judged = {}
        for hook in self.for_event(facts):
            if _rule_of(hook).stays(chunk, hook in said):
                judged[hook] = tuple(said.get(hook, ()))
            elif hook in said:
                return None
        return judged

    def say_of(self, run: Run, facts: int) -> list[Key] | Rule:
        """What the rules say of each event of a run, or the first that has to be asked about them."""
        judged: Judged = run.template.said
        keys: list[Key] = []
        for hook in self.for_event(facts):
            known = judged.get(hook)
            if known is not None:
                keys += known
            elif not _rule_of(hook).passes(run):
                return _rule_of(hook)
        return keys

    def _work_out(self, facts: int) -> tuple[EventHook, ...]:
        rules = self._event_rules.get(facts)
        if rules is None:
            rules = self._rules_for(facts)
        hooks = tuple([rule.event for rule in rules if rule.asks & facts and not rule.retired])
        if len(self._event_hooks) < _MAX_COMBINATIONS:
            self._event_hooks[facts] = hooks
        return hooks

    def _rules_for(self, facts: int) -> tuple[Rule, ...]:
        self._seen |= facts
        waiting = self._waiting.get(facts)
        if waiting is None:
            waiting = tuple(at for at in self._event_places if self._cards[at].on & facts)
            if len(self._waiting) < _MAX_COMBINATIONS:
                self._waiting[facts] = waiting
        made = self._made
        rules = tuple([made[at] for at in waiting])
        if len(self._event_rules) < _MAX_COMBINATIONS:
            self._event_rules[facts] = rules
        return rules


def _rule_of(hook: EventHook) -> Rule:
    rule: Rule = hook.__self__  # type: ignore[attr-defined]
    return rule
