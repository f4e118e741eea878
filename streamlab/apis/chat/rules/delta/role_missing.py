"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_MAX_CHOICES = 16


class RoleMissing(LateRule):
    """No delta of a choice says ``role``, or it comes only after the first delta.

    ## What OpenAI does
    Says ``"role": "assistant"`` in the first delta of every choice, in 2,693 of 2,693 recorded streams.

    ## Why it matters
    Without any role, openai-node's ``.stream()`` raises ``missing role for choice 0`` at the end of a good answer
    (measured), and LangChain.js keeps the text alone: tool calls, ``reasoning_content`` and usage are lost, wherever
    they come. A role that comes late harms no measured client and is only noted.

    ## Repair
    ``"role": "assistant"`` is put into the first delta of the choice.
    """

    name = "role-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = DeltaShape
    variants = (
        "text comes and nothing else",
        "usage comes",
        "a call comes",
        "a call and usage come",
        "reasoning comes",
        "reasoning and usage come",
        "reasoning and a call come",
        "reasoning, a call and usage come",
    )
    # The first delta of a choice is the first of its shape, but for the second choice of two alike.
    on = Fact.SHAPE | Fact.ROLE
    alike = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._begun: dict[int, Place] = {}  # choices whose first delta had no role
        self._late: dict[int, Place] = {}
        self._thinking = False  # whether reasoning has the name under which clients look for it

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        for position, choice in enumerate(reading.choices(chunk)):
            index = reading.choice_index(choice)
            if type(choice.get("delta")) is not dict or len(self._begun) >= _MAX_CHOICES:
                continue
            self._thinking |= type(choice["delta"].get("reasoning_content")) is str
            role = choice["delta"].get("role")
            seen = self.ctx.accumulator.choices.get(index)
            if type(role) is str and role:
                if index in self._begun and index not in self._late and seen is not None and seen.role is None:
                    self._late[index] = self.keep(at, event, f"choices[{position}].delta.role")
            elif index not in self._begun and (seen is None or seen.role is None):
                self._begun[index] = self.keep(at, event, f"choices[{position}].delta")

    def end(self, ending: Ending) -> Findings:
        choices = self.ctx.accumulator.choices
        if one_answer(choices, self.ctx.seen.finish_values, self.ctx.n):
            return  # one answer under many indexes has its own rule
        for index, place in self._begun.items():
            if index in self._late:
                yield self.found_at(
                    self._late[index],
                    f"choice {index} says its role only after its first delta",
                    expected="role in the first delta",
                    severity=Severity.INFO,
                )
            elif choices[index].role is None:
                yield self.found_at(
                    place,
                    f"no delta of choice {index} says its role",
                    expected="assistant",
                    actual="(absent)",
                    variant=self._variant(index),
                )
        for index, state in sorted(choices.items()):
            if index not in self._begun and state.role is None and (state.content or state.calls):
                # Its first delta was of a shape that another choice had before, so its place is not known.
                yield self.found(
                    f"no delta of choice {index} says its role",
                    expected="assistant",
                    actual="(absent)",
                    variant=self._variant(index),
                )

    def _variant(self, index: int) -> str:
        """By what comes beside text, in any order: who goes by the role loses that."""
        choice = self.ctx.accumulator.choices[index]
        thinks, calls = self._thinking and bool(choice.reasoning), bool(choice.calls)
        return self.variants[4 * thinks + 2 * calls + bool(self.ctx.accumulator.usage)]
