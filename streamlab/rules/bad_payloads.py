"""For rules about payloads that are no JSON object: each such event is named by one of them (wire/bad_payloads.py)."""

from __future__ import annotations

from typing import Any, ClassVar

from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding
from streamlab.rules.state import RuleState
from streamlab.wire.bad_payloads import Misfit, Named
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import FaultKind, JsonObject, PayloadFault
from streamlab.wire.reading import Fact, as_list, as_object

#: The event that ends an answer which failed.
_FAILED = "response.failed"
#: The event that ends one in another API, and the statuses by which it gets its name in this one.
_DONE, _HOW = "response.done", ("completed", "incomplete")
#: Places that are kept.
_MOST = 1_000


class MisfitRule(Rule):
    """A rule about one kind of misfit; subclasses set ``kind`` and say in `tell` what they found."""

    kind: ClassVar[Misfit]
    apis = Scope.EVERY
    on = Fact.UNDECODABLE | Fact.COMMENT
    ends_after = on

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._open: list[Named] = []  # of which only the end says what they are

    def event(self, at: int, event: StreamEvent) -> Findings:
        named = self.ctx.misfits.feed(at, self.ctx.seen.data_events, event, self.ctx.offset_us)
        later = [one for one in named if one.kind is Misfit.TRUNCATED and self.ctx.api.names_events]
        self._open += later[: _MOST - len(self._open)]
        return [self.tell(one) for one in named if one not in later and self._is_told_here(one)]

    def takes(self, named: Named) -> bool:
        """Whether this rule is to tell of it."""
        return named.kind is self.kind

    def _is_told_here(self, named: Named) -> bool:
        is_error = named.event.sse.event == b"error" and self.ctx.api.tells_broken_errors
        return not is_error and self.takes(named)

    def is_one_among_whole(self, named: Named) -> bool:
        """Whether JSON that stops in the middle stands in a stream of events with names that says how the answer ends:
        then one event is broken, no more."""
        seen = self.ctx.seen
        last = seen.last_chunk or {}
        behind = last.get("type") == _FAILED and not self.ctx.finished  # else it comes after an end, and is none
        failed = behind or self.ctx.api.ended_as_failed(self.ctx.tracker)
        broke = seen.error_at is not None and seen.finished_at is None
        whole = not failed and (_ends_under_another_name(last) or (self.ctx.finished and not broke))
        return named.kind is Misfit.TRUNCATED and (whole or self._failed_later) and self.ctx.api.names_events

    @property
    def _failed_later(self) -> bool:
        """Whether an error came only once the answer had said how it ends."""
        finished, failed = self.ctx.seen.finished_at, self.ctx.seen.error_at
        return finished is not None and failed is not None and finished < failed

    def end(self, ending: Ending) -> Findings:
        return [self.tell(one) for one in (*self._open, *self.ctx.misfits.finish()) if self._is_told_here(one)]

    def tell(self, named: Named) -> Finding:
        """The finding for one misfit of this rule's kind."""
        raise NotImplementedError

    def found_in(self, named: Named, message: str, **details: Any) -> Finding:
        """A finding about a misfit, at its place, which may lie before the event being judged."""
        sse = named.event.sse
        details.setdefault("actual", sse.text)
        finding = self.found(message, named.at, span=sse.span, **details)
        return changed(finding, offset_us=named.offset_us)


def _ends_under_another_name(last: JsonObject) -> bool:
    """Whether the last event ends an answer as another API does: by a name and a status, or as a chunk of chat."""
    listed = as_list(last.get("choices"))
    if last.get("usage") or any(as_object(one).get("finish_reason") for one in listed):
        return "choices" in last
    return last.get("type") == _DONE and as_object(last.get("response")).get("status") in _HOW


def fault_of(named: Named, kind: FaultKind) -> PayloadFault | None:
    """The first fault of that kind."""
    return next((fault for fault in named.event.faults if fault.kind is kind), None)
