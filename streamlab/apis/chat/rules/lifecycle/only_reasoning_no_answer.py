"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import is_one_answer
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class OnlyReasoningNoAnswer(Rule):
    """The model reasons, finishes with ``stop``, and answers nothing.

    ## What OpenAI does
    Chat completions never carry reasoning text; where tokens went into reasoning alone, ``length`` says so.

    ## Why it matters
    Agents that wait for text or a tool call stall; the user sees an empty answer. Some hosts of reasoning models
    put the whole answer into the reasoning field when their parser does not find the end of thinking.

    ## Repair
    None: which part of the reasoning was meant as the answer cannot be known.
    """

    name = "only-reasoning-no-answer"
    severity = Severity.WARNING
    source = OBSERVED
    answer_fact = "reasoning-only"
    repairability = Repairability.NONE
    on = Fact.REASONING
    ends_after = on

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._reasoned = False

    def event(self, at: int, event: StreamEvent) -> None:
        self._reasoned = True
        self.retire()

    def end(self, ending: Ending) -> Findings:
        if not self._reasoned or not self.ctx.is_over(ending) or self.ctx.seen.error_at is not None:
            return
        states = self.ctx.accumulator.choices
        if any(map(_answers, states.values())) and is_one_answer(self.ctx):
            return  # under another index
        for index, state in sorted(states.items()):
            if state.finish_reason == "stop" and state.reasoning and not _answers(state):
                stop = self.ctx.body.get("stop")
                why = (
                    f"; the request asked to stop at {quote(stop)}, which may have ended the reasoning" if stop else ""
                )
                yield self.found(
                    f"choice {index} finishes with 'stop' after reasoning alone, without an answer{why}",
                    self.ctx.seen.finish_at.get(index),
                    path=f"choices[{state.place}]",
                    expected="content or a tool call",
                    severity=Severity.INFO if stop else None,
                )


def _answers(state: ChoiceState) -> bool:
    """Whether a choice says anything but what it thinks."""
    return bool(state.content or state.refusal or state.calls or state.function_call)
