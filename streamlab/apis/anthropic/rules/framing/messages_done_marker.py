"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.repairs.names import MessageNames
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class MessagesDoneMarker(MessagesRule):
    """The stream says ``[DONE]``, as OpenAI's do.

    An error where the event has a name, as OpenRouter's has; without one nobody minds.

    ## What Anthropic does
    Never sends it.

    ## Why it matters
    With ``event: data`` anthropic-python 2.14, anthropic-ts 1.14, langchain-anthropic and pydantic-ai raise a JSON
    error after a perfect answer; the official SDKs of a year ago do not. Without a name thirteen of thirteen
    clients pass over it.

    ## Repair
    It is dropped.
    """

    name = "messages-done-marker"
    severity = Severity.ERROR
    source = OBSERVED_MESSAGES
    repairability = Repairability.SAFE
    repair = MessageNames
    on = Fact.DONE
    variants = ("it is named", "it has no name")

    def event(self, at: int, event: StreamEvent) -> Findings:
        name = event.sse.event if event.sse is not None else None
        said = f", under the name {quote(name.decode('utf-8', 'replace'))}" if name is not None else ""
        severity = None if name is not None else Severity.INFO
        variant = "it is named" if name is not None else "it has no name"
        said = f"the stream says [DONE]{said}"
        yield self.found(said, at, expected="nothing", actual="[DONE]", severity=severity, variant=variant)
