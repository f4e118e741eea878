"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_list, as_object

_MOST = 100


class MessagesToolInputMissing(MessagesRule):
    """A call has no input at all, and its tool requires some.

    Told where not even an empty delta came: a model may leave out what a tool requires, and then Anthropic sends one.

    ## What Anthropic does
    Sends ``input_json_delta`` with ``""`` first, in 1,402 of 1,402 calls.

    ## Why it matters
    Every client runs the tool with ``{}``: what the model said was lost on the way. LiteLLM did this to Gemini's calls.

    ## Repair
    None: what is lost is lost.
    """

    name = "messages-tool-input-missing"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    needs_request = True
    on = MessageFact.BLOCK_STOP

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._kept: list[tuple[Block, list[str], Place]] = []

    def event(self, at: int, event: StreamEvent) -> None:
        block = self.messages.block
        if block is None or self.ctx.facts & MessageFact.AGAIN or len(self._kept) >= _MOST:
            return
        if block.is_client_tool and block.opened and not block.deltas and not block.start.get("input"):
            required = self._required(block.name)
            if required:
                self._kept.append((block, required, self.keep(at, event)))

    def end(self, ending: Ending) -> Findings:
        for block, required, place in self._kept:
            if not block.deltas:  # none came behind its end
                said = f"the call of {block.name} has no input, which requires {', '.join(required)}"
                yield self.found_at(place, said, expected="input_json_delta")

    def _required(self, name: str) -> list[str]:
        for tool in map(as_object, as_list(self.ctx.body.get("tools"))):
            if tool.get("name") == name:
                return [one for one in as_list(as_object(tool.get("input_schema")).get("required")) if type(one) is str]
        return []
