"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import DONE_EVENTS
from streamlab.wire.error_objects import failed_without_data
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.sse import ServerSentEvent


class SseEventWithoutData(Rule):
    """A block has ``event:``, ``id:`` or ``retry:`` but no ``data:``.

    Legal: the standard dispatches nothing for it. Judged by what the official client does with it.

    ## What OpenAI does
    Sends no such block; its chat streams have ``data:`` lines only.

    ## Why it matters
    openai-python dispatches an event with empty data for it and raises a JSON error, and with it LangChain,
    pydantic-ai and LiteLLM (measured); openai-node raises for ``event:``, and neither for ``id:`` nor for ``retry:``.
    The AI SDK skips it.

    ## Repair
    The block is dropped. One that is named ``error`` becomes an error event with the text of its comment.
    """

    name = "sse-event-without-data"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    variants = ("it names an event", "it has an id or a retry alone")
    on = Fact.COMMENT

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or sse.data is not None or not sse.terminated:
            return
        if (sse.event or b"").strip().lower() in DONE_EVENTS and self.ctx.api.ends_with_done:
            return  # sse-done-variant
        fields = {"event": sse.event, "id": sse.id, "retry": sse.retry}
        names = [name for name, value in fields.items() if value is not None]
        if names:
            variant = self.variants[0 if sse.event is not None else 1]
            yield self.found(_said(sse, names), at, expected="a data line", actual=sse.raw.strip(), variant=variant)


def _said(sse: ServerSentEvent, names: list[str]) -> str:
    if not failed_without_data(sse):
        return f"a block with {' and '.join(names)} but no data"
    told = b" ".join(text.strip() for text in sse.comments).decode("utf-8", "replace")
    return "a failure is reported where no client looks: an event named error without data" + (
        f", and a comment: {quote(told)}" if told else ""
    )
