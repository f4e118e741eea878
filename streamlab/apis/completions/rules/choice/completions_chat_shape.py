"""See the class."""

from __future__ import annotations

from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, Stage
from streamlab.rules.sources import COMPLETIONS
from streamlab.wire import reading
from streamlab.wire.events import Chunk
from streamlab.wire.payload import JsonObject


class DeltaToText(Repair):
    """The text of a delta or message becomes the choice's ``text``."""

    rules = ("completions-chat-shape",)
    stage = Stage.CHOICE

    def shape(self, chunk: JsonObject) -> bool:
        return any(type(choice.get("text")) is not str for choice in reading.choices(chunk))

    def event(self, draft: Draft) -> Drafts:
        for position, choice in enumerate(reading.choices(draft.json) if draft.is_chunk else ()):
            key = next((key for key in ("delta", "message") if type(choice.get(key)) is dict), None)
            if key is not None and type(choice.get("text")) is not str:
                said = choice.pop(key)
                draft.put(self.rules[0], choice, "text", reading.content(said), f"choices[{position}].")
        return (draft,)


class CompletionsChatShape(Rule):
    """A legacy completions stream has chat chunks: ``delta`` or ``message`` in place of ``text``.

    ## What OpenAI does
    Sends ``text`` in every choice, and ``object: "text_completion"``.

    ## Why it matters
    Clients of legacy completions read ``choices[0].text`` and get nothing, or raise (LangChain.js with LocalAI).

    ## Repair
    ``delta.content`` becomes ``text``.
    """

    name = "completions-chat-shape"
    severity = Severity.ERROR
    source = COMPLETIONS
    repairability = Repairability.SAFE
    repair = DeltaToText

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            key = next((key for key in ("delta", "message") if type(choice.get(key)) is dict), None)
            if key is not None and type(choice.get("text")) is not str:
                yield self.found(
                    f"a choice has {key} in place of text",
                    at,
                    path=f"choices[{position}].{key}",
                    expected="text",
                    actual=key,
                )
