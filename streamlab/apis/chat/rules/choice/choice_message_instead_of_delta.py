"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run


class ChoiceMessageInsteadOfDelta(Rule):
    """A choice carries ``message`` or ``text`` in place of ``delta``.

    ## What OpenAI does
    Sends ``delta`` in streamed chat completions; ``message`` belongs to answers that are not streamed, ``text`` to
    legacy completions.

    ## Why it matters
    Nobody gets the answer: {clients: any} measured clients raise or end with an empty text. A final summary after good
    deltas is another matter, see ``full-message-repeated``.

    ## Repair
    ``message`` or ``text`` becomes the delta, and tool calls get an index.
    """

    name = "choice-message-instead-of-delta"
    severity = Severity.ERROR
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    repair = ChoiceShape
    on = Fact.MESSAGE | Fact.TEXT
    ends_after = on

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._alone: list[Finding] = []  # about a first chunk that may turn out to be the whole stream

    def event(self, at: int, event: StreamEvent) -> Findings:
        whole = self.ctx.seen.chunks == 0 and reading.is_whole_completion(reading.chunk_of(event))
        if not whole:
            yield from self._alone
            self._alone.clear()
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            if type(choice.get("delta")) is dict:
                continue
            key = "message" if choice.get("message") is not None else "text"
            if choice.get(key) is None or (key == "message" and self._answered(choice)):
                continue
            finding = self.found(
                f"a choice has {key} in place of delta",
                at,
                path=f"choices[{position}].{key}",
                expected="delta",
                actual=key,
            )
            if whole:
                self._alone.append(self.placed(finding, event))
            else:
                yield finding

    def passes(self, run: Run) -> bool:
        there = all(type(choice.get("delta")) is dict for choice in reading.choices(run.template.chunk))
        return there and not self._alone

    def end(self, ending: Ending) -> Findings:
        # One whole completion and nothing else is nonstream-json-for-stream.
        return self._alone if self.ctx.seen.chunks > 1 or not self.ctx.streamed else ()

    def _answered(self, choice: dict[str, object]) -> bool:
        """Whether good deltas came before."""
        state = self.ctx.accumulator.choices.get(reading.choice_index(choice))
        return state is not None and bool(state.content) and reading.opens_with_delta(self.ctx.seen.first_chunk or {})
