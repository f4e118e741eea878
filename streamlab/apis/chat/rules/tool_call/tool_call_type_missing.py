"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import of_opened_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.arguments import is_whole
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_ABSENT = object()
_KINDS = ("function", "custom")


class ToolCallTypeMissing(Rule):
    """The ``type`` of a tool call is missing, or stands where it does not belong.

    ## What OpenAI does
    Sends ``"type": "function"`` in the first fragment of a call and never again: 670 of 670.

    ## Why it matters
    Without it openai-node's ``.stream()`` helper raises ("tool call snapshot missing `type`"), as do agno and AI SDK 4.
    Another word for it fails the AI SDK's validation.
    Null or ``""`` in a later fragment makes openai-python's ``.stream()`` fail an assertion and openai-node's of 7.x
    raise ("changed tool call identity") where a tool is strict; ``""`` anywhere fails the AI SDK's validation. Repeated
    in later fragments it harms no measured client and is information.

    ## Repair
    ``function`` is added to the first fragment; later fragments lose the key.
    """

    name = "tool-call-type-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    ends_after = on
    alike = True
    variants = (
        "it is absent or null",
        "it is empty text",
        "it is empty text, in a call that is whole in one chunk",
        "it comes again",
        "it is empty text later",
        "it is null later",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Call, Finding]] = []  # calls whose first fragment lacks it, with the finding to make

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            kind = fragment.raw.get("type", _ABSENT)
            missing = kind is _ABSENT or kind is None
            if fragment.opens and kind not in _KINDS:
                finding = self.found(
                    "the tool call has no type" if kind is _ABSENT else f"the type of the tool call is {quote(kind)}",
                    at,
                    path=f"{fragment.path}.type",
                    expected="function",
                    actual="(absent)" if kind is _ABSENT else kind,
                    variant=self.variants[0]
                    if missing
                    else self.variants[1 + is_whole(fragment)]
                    if kind == ""
                    else None,
                )
                self._opened.append((fragment.call, self.placed(finding, event)))
            elif not fragment.opens and kind is not _ABSENT:
                later = {None: "it is null later", "": "it is empty text later", "function": "it comes again"}
                yield self.found(
                    f"a later fragment of the tool call has type {quote(kind)}",
                    at,
                    path=f"{fragment.path}.type",
                    expected="(absent)",
                    actual=kind,
                    severity=Severity.INFO if kind else Severity.ERROR,
                    variant=later.get(kind) if kind is None or isinstance(kind, str) else None,
                )

    def end(self, ending: Ending) -> Findings:
        for call, finding in of_opened_calls(self.ctx, self._opened):
            if not call.ghost:
                yield finding
