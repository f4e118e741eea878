"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import ERROR_CODES
from streamlab.rules.whole import Whole
from streamlab.wire import error_objects, reading
from streamlab.wire.bodies import BodyKind


class HttpStatus200OnError(Rule):
    """The request failed, but the server says 200 and sends the error as a JSON body.

    Whole bodies only; an error inside an event stream is another matter. Silent when the request is known and did not
    ask for a stream, and over every object that is an answer.

    ## What OpenAI does
    Answers a request that fails before the first token with a 4xx or 5xx status and ``{"error": {...}}``.

    ## Why it matters
    openai-python, openai-node, @langchain/openai and litellm look for events, find none and hand out an empty answer
    without an error (measured). Retries and fail-over go by the status and never happen.

    ## Repair
    The error is sent as one event, in the form in which clients of the API raise it: ``data: {"error": ...}`` in chat
    and legacy completions, ``event: error`` with ``{"type": "error", "error": ...}`` in Messages and
    Responses. The status has already been sent and stays.
    """

    name = "http-status-200-on-error"
    needs_framing = True
    severity = Severity.ERROR
    source = ERROR_CODES
    repairability = Repairability.SAFE
    apis = Scope.JUDGED
    ends_after = Whole.NO_STREAM

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.received.kind is not BodyKind.JSON or (ctx.request_known and ctx.body and not ctx.streamed):
            return
        value = ctx.received.whole_json
        if type(value) is list and value:
            value = value[0]  # Google wraps its errors in a list
        sign = _sign(value) if type(value) is dict else None
        if sign is not None:
            path, said = sign
            yield self.found(
                f"the body is an error although the status is {ctx.head.status if ctx.head else 200}: "
                f"{path} is {quote(said)}",
                path=path,
                span=ctx.received.whole_span(path),
                expected="a 4xx or 5xx status",
                actual=said,
            )


def _sign(value: dict[str, Any]) -> tuple[str, Any] | None:
    """The member that makes a body an error, as (path, value)."""
    if value.get("object") == "response" or reading.as_list(value.get("choices")):
        return None
    error = value.get("error")
    if not error:
        return error_objects.flat_error(value)
    message = reading.as_object(error).get("message")
    return ("error.message", message) if type(message) is str else ("error", error)
