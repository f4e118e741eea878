"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Closing
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_TEXT = Fact.CONTENT | Fact.REASONING | Fact.REFUSAL | Fact.TEXT


class DoneDuplicateOrEarly(Rule):
    """``[DONE]`` is not the last event, or comes twice.

    ## What OpenAI does
    Sends ``data: [DONE]`` once, as the last event: 2,691 of 2,691.

    ## Why it matters
    Clients stop reading at ``[DONE]``: usage that follows it is lost to {clients: other usage when the usage follows
    it} measured clients. The AI SDK reads on and appends text that stands there, the official clients do not. A second
    ``[DONE]`` harms no measured client, but a gateway that adds its own betrays that it does not look at its
    upstream's.

    ## Repair
    A second ``[DONE]`` is dropped; what comes after the first is moved in front of it. Content of a choice that had
    finished is dropped: the answer was over twice, and the official clients never see it.
    """

    name = "done-duplicate-or-early"
    needs_framing = True
    severity = Severity.WARNING
    source = CHAT_STREAM
    repairability = Repairability.SAFE
    repair = Closing
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.AFTER_DONE
    variants = ("it comes twice", "content follows it", "the usage follows it")

    def event(self, at: int, event: StreamEvent) -> Findings:
        facts = self.ctx.facts
        if facts & Fact.COMMENT:
            return
        if facts & Fact.DONE:
            after = "nothing after [DONE]"
            yield self.found("[DONE] comes again", at, expected=after, actual="[DONE]", variant="it comes twice")
        elif facts & Fact.CHUNK and facts & (_TEXT | Fact.TOOL_CALLS | Fact.FUNCTION_CALL):
            yield self.found(
                "a chunk with content comes after [DONE]",
                at,
                path="choices",
                expected="nothing after [DONE]",
                severity=Severity.ERROR,
                variant="content follows it",
            )
        else:
            what = "usage" if facts & Fact.USAGE else "an error" if facts & Fact.ERROR else "an event"
            yield self.found(
                f"{what} comes after [DONE]",
                at,
                path=what.split()[-1],
                expected="nothing after [DONE]",
                variant="the usage follows it" if what == "usage" else None,
            )
