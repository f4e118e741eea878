"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import Misfit, Named


class PlainTextInData(MisfitRule):
    """An event's payload is plain text, neither JSON nor ``[DONE]``.

    Most often an error message (``Internal Server Error``, ``unexpected EOF``). GLM-4's and ChatGLM3's servers send
    the answer itself in this way: where the text begins with what was streamed before, the message says so.

    ## What OpenAI does
    Sends JSON objects, and errors as ``{"error": {...}}``.

    ## Why it matters
    {clients: raises} measured clients raise a JSON error that hides what the server wanted to say; what was streamed
    before is lost with it.

    ## Repair
    A message becomes an error event. Where the text begins with all of the answer so far, it is the answer once more:
    what is missing of it is sent on as content, and its finish. Otherwise text between two chunks becomes a comment.
    What begins with ``{`` may be JSON that lost something: it stays as it came.
    """

    name = "plain-text-in-data"
    severity = Severity.ERROR
    source = CLIENTS
    of_some = Repairability.SAFE
    apis = Scope.JUDGED
    kind = Misfit.TEXT

    def tell(self, named: Named) -> Finding:
        text = named.event.sse.text or ""
        choice = self.ctx.accumulator.choices.get(0)
        streamed = str(choice.content).strip() if choice is not None else ""
        repeats = bool(streamed) and text.strip().startswith(streamed)
        lines = f" on {text.count(chr(10)) + 1} data lines" if "\n" in text else ""
        broken = text.strip().startswith("{") and not repeats  # JSON, most likely, of which nobody knows the rest
        begins = ", which begins with the answer streamed so far" if repeats else ""
        return self.found_in(
            named,
            f"the payload is plain text{lines}{begins}: {quote(text)}",
            expected=f"a JSON object{' or [DONE]' if self.ctx.api.ends_with_done else ''}",
            repairability=Repairability.NONE if broken else Repairability.SAFE,
        )
