"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CHAT_USAGE
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import UsageRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.payload import JsonObject


class ResponsesUsageChatNames(UsageRule):
    """The usage has the names of chat completions.

    ## What OpenAI does
    Counts ``input_tokens`` and ``output_tokens`` here, ``prompt_tokens`` and ``completion_tokens`` in chat
    completions.

    ## Why it matters
    The AI SDK rejects the response, Codex asks six times.

    ## Repair
    Renamed.
    """

    name = "responses-usage-chat-names"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL

    def judge(self, at: int, usage: JsonObject) -> Findings:
        names = [name for name in CHAT_USAGE if name in usage]
        if names:
            message = f"usage counts {', '.join(names)}"
            yield self.found(
                message, at, path=f"response.usage.{names[0]}", expected="input_tokens, output_tokens", actual=usage
            )
