"""See the class."""

from __future__ import annotations

from typing import Any

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
    variants = (
        *(f"{holder} is an empty object" for holder, _ in USAGE_DETAILS),
        "there is no object",
    )
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
                variant=self._form(holder, held),
            )

    def _form(self, holder: str, held: Any) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        if held is None:
            return self.variants[-1]
        return f"{holder} is an empty object" if held == {} else None
