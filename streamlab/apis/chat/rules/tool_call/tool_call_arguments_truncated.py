"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.arguments_rule import MAY_CALL, finishes_of, whose
from streamlab.apis.chat.numbering import calls_of
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.wire.arguments import read_arguments


class ToolCallArgumentsTruncated(Rule):
    """The arguments of a tool call break off in the middle.

    ## What OpenAI does
    Cuts arguments only where ``finish_reason`` says ``length`` (6 of 670 streams with tool calls).

    ## Why it matters
    LangChain (Python and JavaScript) completes ``{"city": "Par`` to a valid call with ``Par``, and agents have run
    such calls. Legal with ``length``, so information there; a warning where nothing says that the answer was cut
    (finish-reason-missing carries the error).

    ## Repair
    None: arguments are never completed.
    """

    name = "tool-call-arguments-truncated"
    severity = Severity.WARNING
    source = CHAT_CHUNK_FINISH
    answer_fact = "arguments-cut"
    repairability = Repairability.NONE
    variants = ("[DONE] comes, no finish_reason", "the finish_reason says so")
    ends_after = MAY_CALL

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.is_over(ending) or ctx.seen.error_at is not None:
            return
        finish_of = finishes_of(ctx)
        for call in calls_of(ctx):
            reason = finish_of(call.choice)
            if reason in ("length", "content_filter", None) and read_arguments(str(call.arguments)).truncated:
                because = f"with finish_reason {quote(reason)}" if reason else "without a finish_reason"
                finding = self.found(
                    f"the arguments of {whose(call.name)} break off {because}",
                    call.at,
                    path=f"{call.path}.function.arguments",
                    span=call.span(".function.arguments"),
                    expected="the text of a JSON object",
                    actual=str(call.arguments),
                    severity=Severity.INFO if reason else None,
                    variant=self.variants[1] if reason else self.variants[0] if ctx.seen.done_at is not None else None,
                )
                yield changed(finding, offset_us=call.offset_us)
