"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import TERMINAL, USAGE_DETAILS, USAGE_REQUIRED
from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ResponsesCreatedAtFloat(Rule):
    """``created_at`` of the response is no integer, or its usage lacks the details a client counts with.

    ## What OpenAI does
    ``created_at`` is an integer, Unix seconds, in every recorded stream, though the specification only says number.
    The usage of a finished response always has ``input_tokens_details.cached_tokens`` and
    ``output_tokens_details.reasoning_tokens``.

    ## Why it matters
    Clients with fixed types refuse the whole event: gateways in Go cannot read a float into an integer, Codex cannot
    read a usage without ``reasoning_tokens``.

    ## Repair
    The number is rounded down; missing details become 0.
    """

    name = "responses-created-at-float"
    severity = Severity.WARNING
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.SHAPE  # the first event of each type

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        response = event.json.get("response")
        if type(response) is not dict:
            return None
        found = []
        created = response.get("created_at")
        if type(created) is not int:
            absent = "created_at" not in response
            message = f"created_at is {'missing' if absent else quote(created)}, OpenAI sends an integer"
            repairability = Repairability.SAFE if type(created) is float else Repairability.NONE
            found.append(
                self.found(message, at, path="response.created_at", actual=created, repairability=repairability)
            )
        usage = response.get("usage")
        if reading.event_type(event.json) in TERMINAL and type(usage) is dict:
            found += self._usage(at, usage)
        return found

    def _usage(self, at: int, usage: dict[str, Any]) -> list[Finding]:
        found = []
        for member in USAGE_REQUIRED:
            if type(usage.get(member)) is not int:
                message = f"usage.{member} is {quote(usage.get(member))}, no integer"
                path = f"response.usage.{member}"
                found.append(
                    self.found(message, at, path=path, actual=usage.get(member), repairability=Repairability.NONE)
                )
        for holder, member in USAGE_DETAILS:
            if type(reading.as_object(usage.get(holder)).get(member)) is not int:
                message = f"usage lacks {holder}.{member}"
                path = f"response.usage.{holder}"
                held = usage.get(holder)
                # Codex takes the object or none; one without its member it cannot read, and it asks again.
                severity = Severity.ERROR if type(held) is dict else None
                found.append(self.found(message, at, path=path, expected={member: 0}, actual=held, severity=severity))
        return found
