"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR_TYPES, MESSAGES_ERRORS
from streamlab.exchange import Ending
from streamlab.rules.base import NOT_OK, Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.reading import as_object


class HttpError(Rule):
    """The request was answered with an HTTP error, in Anthropic's own shape.

    ## What Anthropic does
    Answers with 400, 401, 403, 404, 413, 429, 500, 504 or 529 and ``{"type": "error", "error": {"type", "message"},
    "request_id"}``, in 83 of 88 recorded errors with the request's id.

    ## Why it matters
    Twelve of twelve libraries raise. Claude Code asks again up to ten times at 429 and 529, from half a second on and
    twice as long each time.

    ## Repair
    None: it is what a server should do.
    """

    name = "http-error"
    severity = Severity.INFO
    source = MESSAGES_ERRORS
    repairability = Repairability.NONE
    statuses = NOT_OK

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        status = ctx.head.status if ctx.head is not None else 0
        value = as_object(ctx.received.whole_json)
        if status < 400 or not ctx.api.is_error_body(value):
            return
        error = value["error"]
        usual = ERROR_TYPES.get(status)
        if usual == error["type"]:
            usual = None
        yield self.found(
            f"HTTP {status}, {error['type']}: {quote(error['message'])}",
            path="error.message",
            span=ctx.received.whole_span("error.message"),
            expected=usual,
            actual=error["type"],
        )
