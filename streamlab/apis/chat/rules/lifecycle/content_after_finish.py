"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.asked_tools import names_tool
from streamlab.apis.chat.repairs import Closing
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.reading import Fact


class ContentAfterFinish(Rule):
    """Text comes after the ``finish_reason`` of its choice.

    ## What OpenAI does
    Sends nothing for a choice after its finish chunk; only chunks without choices (usage, moderation) follow.

    ## Why it matters
    A client that stops reading at ``finish_reason`` loses the text, one that goes on appends it: the same stream
    gives two answers. openai-java refuses it, openai-go forgets the reason, LangChain and strands garble it.

    A reason that changes afterwards is noted as information; finish-reason-repeated judges it. Text in chunks that
    all carry a reason is finish-reason-every-chunk, tool calls after the reason are tool-call-finish-per-call.
    Azure's late content filter results carry no text and are fine.

    ## Repair
    The finish chunk is moved to the end.
    """

    name = "content-after-finish"
    severity = Severity.ERROR
    source = OBSERVED
    repairability = Repairability.SAFE
    repair = Closing
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.AFTER_FINISH
    variants = ("text comes after it", "another reason comes after it")

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            first = self._finished_with(reading.choice_index(choice))
            if first is None:
                continue
            reason, held = reading.finish_reason(choice), reading.adds_text(choice)
            if held and reason is None:
                yield self.found(
                    f"{held} after finish_reason {quote(first)}",
                    at,
                    path=f"choices[{position}].delta",
                    expected="nothing more for this choice",
                    actual=choice.get("delta", choice.get("text")),
                    variant="text comes after it",
                )
            elif not held and isinstance(reason, str) and reason != first and not is_blank(reason):
                worse = (first, reason) == ("tool_calls", "stop") and not names_tool(self.ctx.body)
                yield self.found(
                    f"finish_reason becomes {quote(reason)} after {quote(first)}",
                    at,
                    path=f"choices[{position}].finish_reason",
                    expected="nothing more for this choice",
                    actual=reason,
                    severity=Severity.INFO,
                    variant="another reason comes after it" if worse else None,
                )

    def _finished_with(self, index: int) -> str | None:
        """The reason a choice gave; None too where [DONE] came since, as done-duplicate-or-early tells of what follows,
        or an error, behind which no client reads."""
        seen = self.ctx.seen
        if any(at is not None and seen.finish_at.get(index, -1) < at for at in (seen.done_at, seen.error_at)):
            return None
        return seen.finish_values.get(index)
