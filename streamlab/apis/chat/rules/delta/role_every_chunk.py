"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.apis.chat.restarts import ids_of_two
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class RoleEveryChunk(Rule):
    """A choice says its role more than once.

    ## What OpenAI does
    Says the role in the first delta of a choice and never again; only its audio models repeat it.

    ## Why it matters
    Code that takes a role for the beginning of a message begins a new one with every token. All measured clients take
    it, so this is only noted.

    ## Repair
    Removed from all deltas but the first. Where it begins a second answer, under another id, it stays.
    """

    name = "role-every-chunk"
    severity = Severity.INFO
    source = OBSERVED
    repairability = Repairability.SAFE
    repair = DeltaShape
    on = Fact.ROLE

    def event(self, at: int, event: StreamEvent) -> Findings:
        seen = self.ctx.accumulator.choices
        chunk = reading.chunk_of(event)
        for position, choice in enumerate(reading.choices(chunk)):
            role = reading.delta(choice).get("role")
            state = seen.get(reading.choice_index(choice))
            if type(role) is str and role and state is not None and state.role is not None:
                stays = ids_of_two(self.ctx, chunk) is not None
                yield self.found(
                    f"role {quote(role)} is repeated",
                    at,
                    path=f"choices[{position}].delta.role",
                    expected="(absent)",
                    actual=role,
                    repairability=Repairability.NONE if stays or "audio" in reading.delta(choice) else None,  # OpenAI's
                )

    def stays(self, chunk: JsonObject, spoke: bool) -> bool:
        return spoke or not any(delta.get("role") for delta in reading.deltas(chunk))
