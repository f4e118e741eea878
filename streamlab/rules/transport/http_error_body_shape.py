"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import NOT_OK, Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import ERROR_OBJECT
from streamlab.wire import error_objects
from streamlab.wire.bodies import BodyKind


class HttpErrorBodyShape(Rule):
    """An HTTP error answer does not carry OpenAI's error object.

    Extra keys, missing ``type``, ``param`` or ``code`` are fine here; what is asked for is an object under ``error``
    with a ``message``. The status tells the failure in any case: that is why this is a warning, however many clients
    lose the words. Each still raises an error, but for a loop around fetch-event-source that looks at no status.

    ## What OpenAI does
    Answers every 4xx and 5xx with ``{"error": {"message", "type", "param", "code"}}``, without exception in the
    recorded answers.

    ## Why it matters
    Clients read ``error.message`` and ``error.code``. Where ``error`` is text, {clients: any when error is text}
    measured clients, openai-python 3 and the AI SDK among them, tell the user the status and nothing else; {count: any
    when it is plain text} where the body is plain text. huggingface_hub shows every body at 422, and at other statuses
    no ``detail``, no bare ``message`` and no markup. Code that tells a used-up quota from a bad key by ``code``
    cannot.

    ## Repair
    The text becomes the ``message`` of an error object; the status stays.
    """

    name = "http-error-body-shape"
    needs_framing = True
    severity = Severity.WARNING
    source = ERROR_OBJECT
    repairability = Repairability.SAFE
    apis = Scope.JUDGED
    statuses = NOT_OK
    variants = (
        "error is text",
        "error has no message",
        "message stands in no error",
        "detail stands for it",
        "it stands in a list",
        "it is plain text",
        "it is markup",
        "it is text in JSON",
        "errors stands for it",
        "it is an event stream",
        "message stands in no error, at 422",
        "detail stands for it, at 422",
        "it is markup, at 422",
    )

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        status = ctx.head.status if ctx.head is not None else 0
        if status < 400 or ending is not Ending.COMPLETE or ctx.received.coding_fault is not None:
            return
        if ctx.request is not None and ctx.request.method.upper() == "HEAD":
            return  # its answer has no body
        if ctx.received.kind is BodyKind.JSON and ctx.received.decoded_bytes > len(ctx.received.prefix):
            return  # too long to have been kept: unknown
        value = ctx.received.whole_json
        error = value.get("error") if type(value) is dict else None
        if type(value) is dict and ctx.api.is_error_body(value):
            return
        if value is None:
            seen = f"{_KINDS[ctx.received.kind]} instead of JSON" if ctx.received.body_bytes else "without a body"
            yield self.found(
                f"HTTP {status} {seen}",
                span=ctx.received.whole_span(None) if ctx.received.body_bytes else None,
                expected=ctx.api.error_body,
                actual=ctx.received.prefix[:200],
                variant=self._worded(ctx.received.kind, ctx.received.prefix),
            )
            return
        path, what = _why(value, error, ctx.api.vendor)
        yield self.found(
            f"HTTP {status} with a JSON body of another shape: {what}",
            path=path,
            span=ctx.received.whole_span(path),
            expected=ctx.api.error_body,
            actual=value,
            variant=self._variant(value, error),
        )

    def _worded(self, kind: BodyKind, begin: bytes) -> str | None:
        """The form of a body that holds words and is no object."""
        form = self.variants[7] if begin.lstrip().startswith(b'"') else _WORDS.get(kind)
        return self._at_its_status(form)

    def _at_its_status(self, form: str | None) -> str | None:
        """The form, and that the status is 422 where a client tells more of a body then."""
        told = f"{form}, at 422"
        return told if self.ctx.head is not None and self.ctx.head.status == 422 and told in self.variants else form

    def _variant(self, value: object, error: object) -> str | None:
        return self._at_its_status(self._place(value, error))

    def _place(self, value: object, error: object) -> str | None:
        """Where the words of the server stand; None for another place, or for none."""
        if type(value) is list and type(value[0] if value else None) is dict:
            return self.variants[4]
        if type(value) is not dict:
            return None
        if "error" in value:
            return self.variants[0] if type(error) is str else self.variants[1] if type(error) is dict else None
        if type(value.get("message")) is str:
            return self.variants[2]
        return self.variants[3] if "detail" in value else self.variants[8] if "errors" in value else None


#: Bodies that hold words, in no JSON of their own.
_WORDS = {
    BodyKind.TEXT: "it is plain text",
    BodyKind.HTML: "it is markup",
    BodyKind.SSE: "it is an event stream",
}
_KINDS = {
    BodyKind.EMPTY: "with white space",
    BodyKind.SSE: "with an event stream",
    BodyKind.JSON: "with broken JSON",
    BodyKind.NDJSON: "with several JSON objects",
    BodyKind.HTML: "with markup",
    BodyKind.TEXT: "with plain text",
}


def _why(value: object, error: object, vendor: str) -> tuple[str | None, str]:
    if type(error) is dict and type(error.get("message")) is str:
        return None, f"the error is not in {vendor}'s shape"
    if type(error) is dict:
        return "error.message", f"error.message is {quote(error.get('message'))}"
    if error is not None:
        return "error", f"error is {quote(error)}"
    flat = error_objects.flat_error(value) if type(value) is dict else None
    return None, "it has no error" + (f", but {flat[0]} {quote(flat[1])}" if flat else "")
