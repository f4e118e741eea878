"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class RoleEmptyOrNull(Rule):
    """A delta has a role that is empty or null.

    ## What OpenAI does
    Leaves the key out of every delta but the first.

    ## Why it matters
    An empty string is no member of the role's enum: the AI SDK (openai provider, and the compatible one up to version
    4) and BAML raise on it, measured. Null is taken by all measured clients and only noted.

    ## Repair
    The key is removed.
    """

    name = "role-empty-or-null"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = DeltaShape
    on = Fact.ROLE
    variants = ("it is empty text", "it is null and no role came before", "it is null after a role")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            inner = reading.delta(choice)
            if "role" in inner and (inner["role"] is None or inner["role"] == ""):
                empty = inner["role"] == ""
                seen = self.ctx.accumulator.choices.get(reading.choice_index(choice))
                null = self.variants[1] if seen is None or not seen.role else self.variants[2]
                yield self.found(
                    'role is ""' if empty else "role is null",
                    at,
                    path=f"choices[{position}].delta.role",
                    expected="(absent)",
                    actual=inner["role"],
                    severity=Severity.ERROR if empty else Severity.INFO,
                    variant="it is empty text" if empty else null,
                )

    def stays(self, chunk: JsonObject, spoke: bool) -> bool:
        """Once a role came, that does not change."""
        seen = self.ctx.accumulator.choices
        states = [seen.get(reading.choice_index(choice)) for choice in reading.choices(chunk)]
        return all(state is not None and state.role for state in states)
