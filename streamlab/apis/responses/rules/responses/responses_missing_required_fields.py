"""See the class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.apis.responses.expectations import (
    ITEM_REQUIRED,
    PART_REQUIRED,
    REQUIRED,
    RESPONSE_REQUIRED,
    WITH_LOGPROBS,
)
from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

#: Members whose value can be told from what came before; a missing text or item cannot.
_KNOWABLE = frozenset({"item_id", "output_index", "content_index", "summary_index", "annotations", "logprobs"})


class ResponsesMissingRequiredFields(Rule):
    """A Responses event lacks a member that every such event has.

    ## What OpenAI does
    Every event inside an item says which item (``item_id``, ``output_index``) and which part (``content_index``,
    ``summary_index``) it is about; text parts come with ``annotations``; items and responses with their ids. Text
    deltas have ``logprobs`` since July 2025 (older streams of OpenAI lack it, so that alone is only mentioned).

    ## Why it matters
    Clients with fixed types refuse the event; others index with what is missing and file the text under nothing.
    Test suites for compatible servers fail on it.

    ## Repair
    Places are counted, empty lists added. A missing text, item or response cannot be made up.
    """

    name = "responses-missing-required-fields"
    severity = Severity.WARNING
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.TYPED

    def shape(self, at: int, chunk: Chunk) -> Findings:
        kind = reading.event_type(chunk.json)
        for member in REQUIRED.get(kind, ()):
            if chunk.json.get(member) is None:
                yield self._lacking(at, kind, chunk.json, member, member)
        if kind in WITH_LOGPROBS and "logprobs" not in chunk.json:
            yield self.found(
                f"{kind} has no logprobs",
                at,
                path="logprobs",
                expected=[],
                severity=Severity.INFO,
                repairability=Repairability.NONE,
            )

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        chunk = event.json
        for member in ("output_index", "content_index", "summary_index"):
            number = chunk.get(member)
            if type(number) is int and number < 0:
                message = f"{member} of {chunk['type']} is {number}: nothing has that place"
                return (self.found(message, at, path=member, actual=number, repairability=Repairability.NONE),)
        if "response" in chunk or "item" in chunk or "part" in chunk:
            return list(self._inside(at, chunk))
        return None

    def _inside(self, at: int, chunk: dict[str, Any]) -> Iterator[Finding]:
        for holder, table in (("part", PART_REQUIRED), ("item", ITEM_REQUIRED), ("response", None)):
            value = chunk.get(holder)
            if type(value) is not dict:
                continue
            kind = reading.event_type(value)
            members = RESPONSE_REQUIRED if table is None else table.get(kind, ()) if kind else ("type",)
            for member in members:
                if value.get(member) is None:
                    yield self._lacking(at, chunk["type"], value, member, f"{holder}.{member}")

    def _lacking(self, at: int, kind: str, holder: dict[str, Any], member: str, path: str) -> Finding:
        state = "is null" if member in holder else "is missing"
        repairability = Repairability.SAFE if member in _KNOWABLE else Repairability.NONE
        # OpenAI's helpers look the item up by its place and raise without one.
        severity = Severity.ERROR if path == "output_index" else None
        return self.found(f"{path} of {kind} {state}", at, path=path, repairability=repairability, severity=severity)
