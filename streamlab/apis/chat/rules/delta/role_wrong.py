"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class RoleWrong(Rule):
    """A delta has a role other than ``assistant``.

    ## What OpenAI does
    Says ``assistant``, always.

    ## Why it matters
    openai-node's ``.stream()`` and the AI SDK (compatible and openai provider) raise on any other role, measured;
    others file the answer under somebody else.

    ## Repair
    ``assistant`` is written instead.
    """

    name = "role-wrong"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = DeltaShape
    on = Fact.ROLE
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            role = reading.delta(choice).get("role")
            if role is not None and role != "" and role != "assistant":
                yield self.found(
                    f"role is {quote(role)}",
                    at,
                    path=f"choices[{position}].delta.role",
                    expected="assistant",
                    actual=role,
                )
