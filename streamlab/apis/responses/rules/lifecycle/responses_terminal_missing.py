"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import COMPLETED
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.rules.told_failures import failed_by_name
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ResponsesTerminalMissing(ResponsesRule):
    """A Responses stream ends without ``response.completed``, ``response.incomplete`` or ``response.failed``.

    ## What OpenAI does
    Ends every one of 2,102 recorded streams with one of the three. There is no ``[DONE]``.

    ## Why it matters
    This event alone carries the status and the usage. Without it openai-python's stream helper, OpenAI's agents and
    LiteLLM raise, Codex asks six times, and the others return an answer without usage or status and say nothing.

    ## Repair
    Whether the answer is whole cannot be known, and a good end is never made up. The repaired stream ends with an
    ``error`` event and ``response.failed``, which Codex shows. Where the end came as ``response.done``, it gets its
    name.
    """

    name = "responses-terminal-missing"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    answer_fact = "unfinished"
    of_some = Repairability.SAFE
    repairability = Repairability.TOLD
    on = Fact.COMMENT | Fact.UNDECODABLE | ResponseFact.UNKNOWN

    variants = (
        "nothing of an answer came",
        "a text is cut",
        "a call is cut",
        "its items are whole",
        "it has another name",
    )

    _failed = False  # a failure was told where few clients look, which has its own rule
    _other = False  # an event that is not known carried the response
    _named = False  # the end came by its name in another API

    def event(self, at: int, event: StreamEvent) -> None:
        self._failed = self._failed or failed_by_name(event)
        self._named = self._named or self.is_named_end(event)
        self._other = self._other or type(self.value(event).get("response")) is dict

    def end(self, ending: Ending) -> Findings:
        response = self.response
        seen = self.ctx.seen
        if ending is Ending.COMPLETE and seen.done_at is not None and not seen.chunks and seen.error_at is None:
            yield self.found("nothing but [DONE] came", expected=COMPLETED, actual="[DONE]")
            return
        # A cut stream has its own rule, and so has an error that ends one.
        if not response.begun or response.terminal or response.failed or ending is not Ending.COMPLETE:
            return
        yield self.found(
            "the stream ends without response.completed, response.incomplete or response.failed"
            + (", after a failure" if self._failed else ""),
            expected=COMPLETED,
            actual=(self.ctx.seen.last_chunk or {}).get("type"),
            severity=Severity.INFO if self._failed else None,
            repairability=Repairability.SAFE if self._named else None,
            variant=self._form(),
        )

    def _form(self) -> str | None:
        """Which form it is, by what had come; None for one that no client was asked about."""
        if self._named:
            return self.variants[4]
        items = self.response.items
        if not items:
            return self.variants[0]
        last = items[-1]
        if any(item.open for item in items[:-1]) or self._other:
            return None
        if not last.open:
            return self.variants[3]
        return {"message": self.variants[1], "function_call": self.variants[2]}.get(last.kind)
