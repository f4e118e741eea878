"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CHAT_STREAM
from streamlab.wire.bad_payloads import announces_the_end, ends_otherwise
from streamlab.wire.events import Done, StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.sse import ServerSentEvent


class SseDoneVariant(Rule):
    """The end is announced in another way than ``data: [DONE]``.

    In other letters, in quotes, with white space behind it, as an event named ``done`` with something else as data, or
    as a bare line. An event named ``done`` around the very ``[DONE]`` is told as information: only a browser's
    ``EventSource`` overlooks it. Spaces in front of it are another deviation.

    ## What OpenAI does
    Sends ``data: [DONE]``, the same eight bytes in every stream.

    ## Why it matters
    Clients compare the payload, some by its beginning (the official ones), some as a whole (the AI SDK, async-openai,
    go-openai); what they do not recognise they read as JSON and raise at the very end of a good answer. On ``[done]``
    {clients: raises when it is in lower case} measured clients raise, on ``"[DONE]"`` {count: raises when it is JSON
    text}, on ``[DONE] `` with a space behind it {count: raises when a space follows}.

    ## Repair
    Written as ``data: [DONE]``.
    """

    name = "sse-done-variant"
    needs_framing = True
    severity = Severity.ERROR
    source = CHAT_STREAM
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.CHUNKS
    variants = ("a space follows", "it is in lower case", "it is JSON text", "its event has a name")
    on = Fact.DONE | Fact.LINES | Fact.UNDECODABLE | Fact.COMMENT

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None:
            return
        if isinstance(event, Done):
            if event.variant and (sse.data or b"").lstrip() != b"[DONE]":
                yield self._told(f"the end is spelled {quote(sse.text)}", at, sse, variant=_spelling(sse.data or b""))
            elif not event.variant and announces_the_end(sse):
                message = f"the end is an event named {quote(_name(sse))}"
                yield self._told(message, at, sse, Severity.INFO, "its event has a name")
        elif ends_otherwise(event):
            if announces_the_end(sse):
                yield self._told(f"the end is an event named {quote(_name(sse))}", at, sse)
            else:
                yield self._told('the end is a bare line "[DONE]" without data:', at, sse, Severity.WARNING)

    def _told(
        self,
        message: str,
        at: int,
        sse: ServerSentEvent,
        severity: Severity | None = None,
        variant: str | None = None,
    ) -> Finding:
        actual = sse.raw.strip(b"\r\n")
        return self.found(message, at, expected="data: [DONE]", actual=actual, severity=severity, variant=variant)


def _spelling(data: bytes) -> str | None:
    """Which form of the deviation it is; None for one that no client was asked about."""
    forms = {b"[done]": "it is in lower case", b'"[DONE]"': "it is JSON text"}
    return "a space follows" if data != data.rstrip() == b"[DONE]" else forms.get(data)


def _name(sse: ServerSentEvent) -> str:
    return (sse.event or b"").decode("utf-8", "replace")
