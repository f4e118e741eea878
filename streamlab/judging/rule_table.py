"""Which rules are asked about what: worked out once for each combination of facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from streamlab.rules.api import Api, concerns
from streamlab.rules.base import Rule
from streamlab.rules.finding import Finding
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

SegmentHook = Callable[[int | None, bytes], Iterable[Finding] | None]
EventHook = Callable[[int, StreamEvent], Iterable[Finding] | None]
_MAX_COMBINATIONS = 4096


@cache
def _judging(
    rules: tuple[type[Rule], ...], api: Api, status: str, timing_known: bool, request_known: bool, framing_known: bool
) -> tuple[type[Rule], ...]:
    """The rules that can judge such an exchange."""
    return tuple(
        rule
        for rule in rules
        if concerns(rule, api)
        and status in rule.statuses
        and (timing_known or not rule.needs_timing)
        and (request_known or not rule.needs_request)
        and (framing_known or not rule.needs_framing)
    )


class RuleTable:
    """The rules that judge one exchange, and the hooks to call for a read or an event.

    A rule that has nothing more to look for retires; `RuleState.retirements` says that the table has to be made anew.
    """

    def __init__(self, classes: tuple[type[Rule], ...], ctx: RuleState) -> None:
        head = ctx.head
        status = "ok" if head is None or 200 <= head.status < 300 else "error"
        self._ctx = ctx
        framing_known = ctx.notes.get("framing") != "unknown"
        chosen = _judging(classes, ctx.api, status, ctx.received.timing_known, ctx.request_known, framing_known)
        if ctx.notes.get("body") == "unknown":
            chosen = ()  # nobody kept it: whatever were said would be about an empty one
        self.rules = [rule(ctx) for rule in chosen]
        self.shape_rules = [rule for rule in self.rules if "shape" in rule.hooks]
        self._segment_rules = [rule for rule in self.rules if "segment" in rule.hooks]
        self._event_rules = [rule for rule in self.rules if rule.on]
        self._segment_hooks: list[SegmentHook] = [rule.segment for rule in self._segment_rules]
        self._event_hooks: dict[int, tuple[EventHook, ...]] = {}
        self._retirements = ctx.retirements

    def for_read(self) -> list[SegmentHook]:
        """Whom to ask about a read of the body."""
        if self._ctx.retirements != self._retirements:
            self._renew()
        return self._segment_hooks

    def for_event(self, facts: int) -> tuple[EventHook, ...]:
        """Whom to ask about an event with these facts."""
        if self._ctx.retirements != self._retirements:
            self._renew()
        hooks = self._event_hooks.get(facts)
        return hooks if hooks is not None else self._work_out(facts)  # () is an answer: nobody

    def _work_out(self, facts: int) -> tuple[EventHook, ...]:
        hooks = tuple(rule.event for rule in self._event_rules if rule.on & facts and not rule.retired)
        if len(self._event_hooks) < _MAX_COMBINATIONS:
            self._event_hooks[facts] = hooks
        return hooks

    def _renew(self) -> None:
        self._retirements = self._ctx.retirements
        self._event_hooks.clear()
        self._segment_hooks = [rule.segment for rule in self._segment_rules if not rule.reads_retired]
