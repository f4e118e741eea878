"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR, MESSAGES_ERRORS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.reader import is_content
from streamlab.apis.anthropic.repairs import MessageErrors
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object


class MessagesErrorShapeWrong(MessagesRule):
    """An error inside the stream is not in Anthropic's shape.

    ## What Anthropic does
    Sends ``event: error`` with ``{"type": "error", "error": {"type", "message"}}``.

    ## Why it matters
    Without the ``event:`` line both anthropic-pythons, both LangChains and pydantic-ai return half an answer
    without an exception. With it every client raises, whatever the data.

    ## Repair
    It gets the line, the type and an object with type and message; what it said is kept.
    """

    name = "messages-error-shape-wrong"
    severity = Severity.ERROR
    source = MESSAGES_ERRORS
    repairability = Repairability.SAFE
    repair = MessageErrors
    on = MessageFact.ERROR
    variants = (
        "it is no JSON object",
        "it has neither event line nor type",
        "it has no type",
        "it has no event line",
        "its error is text",
    )

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if self.ctx.facts & MessageFact.AFTER_ERROR or (type(event) is ErrorPayload and self.well_formed(event)):
            return None
        named = event.sse is not None and event.sse.event == b"error"
        value = event.json if isinstance(event, ErrorPayload | Chunk) else None
        told = as_object(value).get("error")
        beside = value is not None and is_content(value)
        if value is None:
            text = event.sse.text if event.sse is not None else ""
            said, path = f"the error is no JSON object: {quote(text)}" if text else "the error is empty", None
        elif beside:
            said, path = f"an error stands in a {value['type']}", "error"
        elif value.get("type") != ERROR:
            said, path = "the error has no type: error", "type" if "type" in value else None
        elif not named:
            said, path = "the error has no event line", None
        elif type(told) is not dict:
            said, path = f"error is {quote(told)}", "error" if "error" in value else None
        else:
            said, path = "the error lacks type or message", "error"
        return (
            self.found(
                said,
                at,
                path=path,
                expected='{"type": "error", "error": {"type": "...", "message": "..."}}',
                actual=value,
                repairability=Repairability.NONE if beside else None,
                variant=None if beside else self._form(value, named=named),
            ),
        )

    def _form(self, value: JsonObject | None, *, named: bool) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        if value is None:
            return self.variants[0] if named else None
        error = value.get("error")
        whole = type(error) is dict and type(error.get("message")) is str
        if "type" not in value:
            return self.variants[2 if named else 1] if whole else None
        if not named:
            return self.variants[3] if whole and value["type"] == ERROR else None
        return self.variants[4] if type(error) is str and value["type"] == ERROR else None
