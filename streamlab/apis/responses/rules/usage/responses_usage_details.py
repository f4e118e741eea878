"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CHAT_USAGE, USAGE_DETAILS
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import UsageRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object


class ResponsesUsageDetails(UsageRule):
    """The usage of a finished response lacks the details that a client counts with.

    ## What OpenAI does
    Sends ``input_tokens_details.cached_tokens`` and ``output_tokens_details.reasoning_tokens`` in 2,097 of 2,097
    usages.

    ## Why it matters
    An object without its member (``{}``) is fatal for Codex: the turn fails after six requests that are paid for,
    and the answer is shown six times. Absent or null harms no measured client.

    ## Repair
    Missing details become 0.
    """

    name = "responses-usage-details"
    severity = Severity.INFO
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    variants = ("the object lacks its member", "there is no object")
    on = ResponseFact.TERMINAL

    def judge(self, at: int, usage: JsonObject) -> Findings:
        if not usage or usage.keys() & CHAT_USAGE.keys():
            return  # that is another rule's affair
        for holder, member in USAGE_DETAILS:
            held = usage.get(holder)
            if type(as_object(held).get(member)) is int:
                continue
            broken = held is not None
            yield self.found(
                f"usage lacks {holder}.{member}",
                at,
                path=f"response.usage.{holder}",
                expected={member: 0},
                actual=held,
                severity=Severity.ERROR if broken else None,
                repairability=self.unlocked() if broken else Repairability.NONE,
                variant=self.variants[0 if broken else 1],
            )
