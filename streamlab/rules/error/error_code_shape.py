"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import ANY_STATUS, Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import ErrorShape
from streamlab.rules.sources import ERROR_OBJECT
from streamlab.rules.whole import Whole
from streamlab.wire import reading
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact

#: Member, whether null is legal.
_MEMBERS = (("message", False), ("type", False), ("param", True), ("code", True))


class ErrorCodeShape(Rule):
    """The error object lacks a member that the schema requires, or one has the wrong type.

    In the stream and in the body of an HTTP error. Extra members are fine. An error without a readable message is
    more than untidy: in the stream it is all that clients show.

    ## What OpenAI does
    ``message`` and ``type`` are strings, ``param`` and ``code`` strings or null, and all four are there.

    ## Why it matters
    Strictly typed clients (async-openai) cannot read a numeric ``code`` and report their own failure instead of the
    server's. Without a ``message``, openai-python says "An error occurred during streaming".

    ## Repair
    A number becomes a string, what is missing becomes null, and ``type`` becomes ``server_error``.
    """

    name = "error-code-shape"
    severity = Severity.INFO
    source = ERROR_OBJECT
    repairability = Repairability.SAFE
    repair = ErrorShape
    apis = Scope.OPENAI
    statuses = ANY_STATUS
    on = Fact.ERROR
    ends_after = Whole.NO_STREAM

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        return self._judge(event.json["error"], at) if isinstance(event, ErrorPayload) else None

    def end(self, ending: Ending) -> Findings:
        error = reading.as_object(self.ctx.received.whole_json).get("error")
        if error:
            yield from self._judge(error, None)

    def _judge(self, error: Any, at: int | None) -> Findings:
        if type(error) is not dict:
            return
        for key, nullable in _MEMBERS:
            value = error.get(key)
            if type(value) is str or (nullable and key in error and value is None):
                continue
            grave = key == "message" and at is not None
            yield self.found(
                f"error.{key} is {quote(value)}" if key in error else f"error.{key} is absent",
                at,
                path=f"error.{key}",
                span=self.ctx.received.whole_span(f"error.{key}") if at is None else None,
                expected="a string or null" if nullable else "a string",
                actual=value if key in error else "(absent)",
                severity=Severity.WARNING if grave else None,
            )
