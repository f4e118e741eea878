"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import extra_reasoning
from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of


class MessagesReasoningExtraKey(MessagesRule):
    """A delta has reasoning beside its text, under a key of other APIs.

    ## What Anthropic does
    Sends thinking as blocks of its own, never as ``reasoning_content`` or ``reasoning``.

    ## Why it matters
    The thinking is lost in thirteen of thirteen clients. The answer is right.

    ## Repair
    None without a guess. ``--unsafe`` gives it a thinking block, without a signature.
    """

    name = "messages-reasoning-extra-key"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.EXTRA

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        delta = as_object(chunk_of(event).get("delta"))
        key = extra_reasoning(delta)
        if key is None or not delta[key]:
            return None
        message = f"a {self.messages.delta or 'delta'} has {key}"
        return (self.found(message, at, path=f"delta.{key}", actual=delta[key]),)
