"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.repairs import MessageNames
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class MessagesDoneMarker(MessagesRule):
    """The stream says ``[DONE]``, as OpenAI's do.

    An error where the event has a name, as OpenRouter's has; without one, or named ``ping``, nobody minds.

    ## What Anthropic does
    Never sends it.

    ## Why it matters
    With ``event: data``, or any other name, anthropic-python 2.14 (its plain stream and ``.stream()``), anthropic-ts
    1.14, langchain-anthropic and pydantic-ai raise a JSON error after a perfect answer. LangChain.js and LlamaIndex do
    where the name is ``message``, and the official SDKs of a year ago where it is that of an event of Messages.
    Named ``error`` it is one to all of these. Without a name thirteen of thirteen clients pass over it.

    ## Repair
    It is dropped.
    """

    name = "messages-done-marker"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageNames
    on = Fact.DONE
    variants = (
        "it is named",
        "it has no name",
        "it is named message",
        "it is named error",
        "it has the name of an event of theirs",
    )

    def event(self, at: int, event: StreamEvent) -> Findings:
        name = event.sse.event if event.sse is not None else None
        said = f", under the name {quote(name.decode('utf-8', 'replace'))}" if name is not None else ""
        severity = None if name not in (None, b"ping") else Severity.INFO
        variant = _variant(name)
        said = f"the stream says [DONE]{said}"
        yield self.found(said, at, expected="nothing", actual="[DONE]", severity=severity, variant=variant)


def _variant(name: bytes | None) -> str | None:
    """The form of the deviation; None for a ping, whose data nobody reads."""
    if name is None:
        return "it has no name"
    if name.startswith((b"message_", b"content_block_")) or name == b"completion":
        return "it has the name of an event of theirs"
    if name == b"ping":
        return None
    return f"it is named {name.decode()}" if name in (b"message", b"error") else "it is named"
