"""What cannot be had back, and of which the mended stream tells: it ends with an error event."""

from __future__ import annotations

from streamlab.rules.finding import Repairability
from streamlab.rules.state import RuleState
from streamlab.wire.bodies import BodyKind
from streamlab.wire.reading import as_object


def told_loss(ctx: RuleState) -> Repairability:
    """What is promised where there is no answer in a stream that was asked for, or none that ended."""
    url = ctx.request.url if ctx.request is not None else ""
    asked = not ctx.request_known or ctx.api.asks_for_stream(ctx.body, url)
    ok = ctx.head is None or 200 <= ctx.head.status < 300
    return Repairability.TOLD if ctx.api.judged and asked and ok else Repairability.NONE


def told_cut(ctx: RuleState) -> Repairability:
    """What is promised where a stream was cut: nothing is told behind an end that had come, or behind an error."""
    last = as_object(ctx.seen.last_chunk).get("type")
    over = ctx.seen.done_at is not None or ctx.seen.error_at is not None
    over = over or (type(last) is str and last in ctx.api.ending_types)
    stream = ctx.received.kind in (BodyKind.SSE, BodyKind.EMPTY)
    return told_loss(ctx) if stream and not over else Repairability.NONE
