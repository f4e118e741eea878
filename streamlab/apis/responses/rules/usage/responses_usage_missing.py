"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import CHAT_USAGE, USAGE_REQUIRED
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import UsageRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.payload import JsonObject


class ResponsesUsageMissing(UsageRule):
    """A finished response has no usage, or one without its counts.

    ## What OpenAI does
    Sends ``input_tokens``, ``output_tokens`` and ``total_tokens`` in 2,091 of 2,097 usages; the others were edited
    by hand.

    ## Why it matters
    Codex takes null, and dies of ``{}`` and of a missing total: six requests. LiteLLM makes up numbers. Clients
    that count costs count none.

    ## Repair
    A missing total is the sum of the others. Where nothing was counted, zeros are written on request.
    """

    name = "responses-usage-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    variants = (
        "usage is null",
        "usage is an empty object",
        *(f"{member} is absent" for member in USAGE_REQUIRED),
    )
    on = ResponseFact.TERMINAL

    def absent(self, at: int, usage: Any) -> Findings:
        yield self.found(
            f"usage of {self.response.terminal} is {quote(usage)}",
            at,
            path="response.usage",
            severity=Severity.WARNING,
            repairability=Repairability.UNSAFE,
            variant=self.variants[0] if usage is None else None,
        )

    def judge(self, at: int, usage: JsonObject) -> Findings:
        if usage.keys() & CHAT_USAGE.keys():
            return  # they have other names
        lacking = [member for member in USAGE_REQUIRED if type(usage.get(member)) is not int]
        if lacking:
            total_only = lacking == ["total_tokens"] and usage.get("total_tokens") is None
            how = self.unlocked() if total_only else Repairability.UNSAFE
            yield self.found(
                f"usage lacks {', '.join(lacking)}",
                at,
                path=f"response.usage.{lacking[0]}",
                expected="a number of tokens",
                actual=usage,
                repairability=how,
                variant=self._form(usage, lacking),
            )

    def _form(self, usage: JsonObject, lacking: list[str]) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        if not usage:
            return self.variants[1]
        form = f"{lacking[0]} is absent"
        return form if len(lacking) == 1 and lacking[0] not in usage else None
