"""See the class."""

from __future__ import annotations

from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, Stage
from streamlab.rules.sources import COMPLETIONS
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


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
                said, path = reading.content(choice[key]), f"choices[{position}]."
                draft.drop(self.rules[0], choice, key, path)
                draft.put(self.rules[0], choice, "text", said, path)
        return (draft,)


class CompletionsChatShape(Rule):
    """A legacy completions stream has chat chunks: ``delta`` or ``message`` in place of ``text``.

    ## What OpenAI does
    Sends ``text`` in every choice, and ``object: "text_completion"``.

    ## Why it matters
    Clients of legacy completions read ``choices[0].text`` and get nothing, or raise (LangChain.js with LocalAI). A
    delta of the finish chunk alone, behind chunks that have text, breaks {clients: any when the finish chunk alone has
    a delta} measured clients.

    ## Repair
    ``delta.content`` becomes ``text``.
    """

    name = "completions-chat-shape"
    severity = Severity.ERROR
    source = COMPLETIONS
    repairability = Repairability.SAFE
    repair = DeltaToText
    on = Fact.SHAPE
    alike = True
    variants = ("every chunk has a delta or a message", "the finish chunk alone has a delta")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._text = False  # some choice before had text

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            key = next((key for key in ("delta", "message") if type(choice.get(key)) is dict), None)
            if type(choice.get("text")) is str:
                self._text = True
            elif key is not None:
                yield self.found(
                    f"a choice has {key} in place of text",
                    at,
                    path=f"choices[{position}].{key}",
                    expected="text",
                    actual=key,
                    variant=self._variant(key, choice),
                )

    def _variant(self, key: str, choice: JsonObject) -> str | None:
        """Which form it is; None where some of the text came as text and some did not: nobody was asked about that."""
        if not self._text:
            return self.variants[0]
        ends = key == "delta" and choice.get("finish_reason") and not reading.content(choice[key])
        return self.variants[1] if ends else None
