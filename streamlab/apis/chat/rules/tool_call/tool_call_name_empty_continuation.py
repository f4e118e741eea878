"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_ABSENT = object()


class ToolCallNameEmptyContinuation(Rule):
    """Later fragments of a tool call carry a name that is null or ``""``.

    ## What OpenAI does
    Leaves the key out after the first fragment.

    ## Why it matters
    The openai-node ``.stream()`` helper of 7.x raises ("changed tool call identity") in every measured form, where a
    tool is strict; {clients: none when the name alone is empty text} measured clients read it as absent.
    gptel is reported to break calls on empty text. A form that nobody was asked about is a warning, and so is one on
    which no other measured client breaks, where the request has no strict tool.

    ## Repair
    The key is dropped.
    """

    name = "tool-call-name-empty-continuation"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = (
        "the name alone is empty text",
        "the name alone is null",
        "id and name are empty text",
        "id, type and name are null",
        "id and name are null",
    )

    #: Forms that no measured client minds where no tool is strict.
    _strict_alone = (variants[0], variants[1], variants[4])

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            name = fragment.function.get("name", _ABSENT)
            if not fragment.opens and (name is None or name == "") and fragment.known_name:
                variant = _variant(fragment.raw, name)
                harmless = variant is None or (variant in self._strict_alone and self.ctx.asked.strict is False)
                yield self.found(
                    f"a later fragment of the tool call has name {'null' if name is None else quote(name)}",
                    at,
                    path=f"{fragment.path}.function.name",
                    expected="(absent)",
                    actual=name,
                    severity=Severity.WARNING if harmless else None,
                    variant=variant,
                )


def _variant(fragment: JsonObject, name: str | None) -> str | None:
    """Which form of the deviation it is; None for one that no client was asked about."""
    call_id, kind = fragment.get("id", _ABSENT), fragment.get("type", _ABSENT)
    as_ever = kind is _ABSENT or kind == "function"
    if call_id is _ABSENT and (name == "" or as_ever):
        return "the name alone is empty text" if name == "" else "the name alone is null"
    if call_id is None and name is None and (kind is None or as_ever):
        return "id, type and name are null" if kind is None else "id and name are null"
    return "id and name are empty text" if call_id == "" and name == "" else None
