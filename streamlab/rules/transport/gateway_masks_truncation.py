"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.rules.told_failures import tells_a_failure
from streamlab.wire import error_objects, reading
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import Chunk, StreamEvent, Undecodable
from streamlab.wire.finish_reasons import stray_reason
from streamlab.wire.payload import FaultKind, JsonObject
from streamlab.wire.reading import Fact


class GatewayMasksTruncation(Rule):
    """``[DONE]`` follows an answer that never finished.

    Seen from one side only: chunks carry ``finish_reason: null`` to the last, and yet the end marker comes. Servers
    whose chunks have no ``finish_reason`` key at all never say how an answer ended, so nothing can be concluded from
    its absence; audio answers have none by design; and an answer that broke off with an error, in whatever form, hides
    nothing. That the ``finish_reason`` is missing is an error of its own; this says what may lie behind it.

    ## What OpenAI does
    Sends a ``finish_reason`` for every choice before ``[DONE]``, except after an error and for audio.

    ## Why it matters
    Gateways append ``[DONE]`` whenever their upstream stops talking, also when it was cut off. {clients: not raises
    when no choice finishes} measured clients take such an answer for a complete one.

    ## Repair
    None: whether text is missing cannot be seen from this side. Record both sides of the gateway and compare.
    """

    name = "gateway-masks-truncation"
    needs_framing = True
    severity = Severity.INFO
    source = CHAT_CHUNK_FINISH
    apis = Scope.OPENAI
    on = Fact.FRAMING | Fact.NO_CHOICES | Fact.UNDECODABLE | Fact.COMMENT | Fact.SHAPE
    alike = True
    variants = ("no choice finishes", "another choice finishes")

    _told = False

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        self._told = self._told or _tells_an_error(event)
        if self._told:
            self.retire()
        return None

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.seen.done_at is None or ctx.finished or not ctx.accumulator.choices:
            return
        if self._told or ctx.seen.error_at is not None or "audio" in reading.as_list(ctx.body.get("modalities")):
            return
        if not _promises_finish(ctx.seen.first_chunk, ctx.seen.last_chunk):
            return
        if one_answer(ctx.accumulator.choices, ctx.seen.finish_values, ctx.n):
            return  # choice-index-is-token-counter: these are no choices
        open_ones = sorted(index for index in ctx.accumulator.choices if index not in ctx.seen.finish_at)
        who = f"choice {open_ones[0]} never finished" if len(open_ones) == 1 else "no choice ever finished"
        if 1 < len(open_ones) < len(ctx.accumulator.choices):
            who = f"{len(open_ones)} choices never finished"
        yield self.found(
            f"data: [DONE] follows although {who}: the answer may be cut and the cut hidden",
            ctx.seen.done_at,
            expected="a finish_reason before data: [DONE]",
            actual=None,
            variant=self.variants[0 in ctx.seen.finish_at],
        )


def _tells_an_error(event: StreamEvent) -> bool:
    """Whether a failure is told in another form than ``error``: a flat object, an ``error:`` line, plain text; or the
    finish stands where nobody reads it."""
    if tells_a_failure(event):
        return True
    if isinstance(event, Chunk):
        return any(stray_reason(event.json, choice) for choice in reading.choices(event.json))
    if isinstance(event, Undecodable) and any(fault.kind is FaultKind.NOT_JSON for fault in event.faults):
        return True
    if event.sse is None:
        return False
    return error_objects.error_field(event.sse.raw) is not None or error_objects.hides_finish(event.sse.raw)


def _promises_finish(*chunks: JsonObject | None) -> bool:
    """Whether the stream's choices have the key at all; audio streams end with a chunk that has none."""
    shown = [choice for chunk in chunks if chunk is not None for choice in reading.choices(chunk)]
    if any("audio" in reading.delta(choice) for choice in shown):
        return False
    return any("finish_reason" in choice for choice in shown)
