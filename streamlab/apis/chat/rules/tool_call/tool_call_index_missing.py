"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.arguments import is_whole
from streamlab.wire.call_reader import Fragment
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIndexMissing(Rule):
    """A tool call fragment has no ``index``.

    ## What OpenAI does
    Sends an integer in every fragment; it is the one key that the schema requires.

    ## Why it matters
    The index says which call a fragment belongs to. Without it {clients: raises when there are several calls} measured
    clients raise on two calls (the openai-python ``.stream()`` helper, @ai-sdk/openai), the others mix the calls up;
    one call that is whole in one chunk is lost on {clients: any when there is one call, whole in one chunk}. Go clients
    read it as 0.

    ## Repair
    Numbered by id: a new id opens the next call, no id continues the last.
    """

    name = "tool-call-index-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = (
        "there is one call",
        "there is one call, whole in one chunk",
        "there are several calls",
        "several come in one chunk",
        "there are several calls, each whole in its chunk",
    )

    def event(self, at: int, event: StreamEvent) -> Findings:
        fragments = self.ctx.fragments(at, event)
        for fragment in fragments:
            if fragment.raw.get("index") is None:
                actual = None if "index" in fragment.raw else "(absent)"
                yield self.found(
                    "the tool call fragment has " + ("no index" if actual else "index null"),
                    at,
                    path=f"{fragment.path}.index",
                    expected=fragment.call.index,
                    actual=actual,
                    variant=self._variant(fragment, fragments),
                )

    def _variant(self, fragment: Fragment, fragments: tuple[Fragment, ...]) -> str:
        """By the calls so far: a second one shows only when it comes, and then the finding is of both forms."""
        if len({id(fragment.call) for fragment in fragments}) > 1:
            return "several come in one chunk"
        whole = is_whole(fragment)
        if len(self.ctx.calls.calls) > 1:
            return f"there are several calls{', each whole in its chunk' * whole}"
        return f"there is one call{', whole in one chunk' * whole}"
