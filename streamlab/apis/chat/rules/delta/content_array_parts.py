"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

_KINDS = ("text", "reasoning", "thinking")
#: What comes before and after a list decides what is made of it.
_AFTER_TEXT, _ALONE, _SEVERAL = (
    tuple(f"{where} {kind}" for kind in _KINDS)
    for where in (
        "they hold",
        "the answer begins with one that holds",
        "the answer begins with one, another follows, and they hold",
    )
)


class ContentArrayParts(Rule):
    """``delta.content`` is a list of parts instead of text.

    ## What OpenAI does
    Sends a string or null. Lists of parts exist only in requests.

    ## Why it matters
    Mistral does this with reasoning models. Loops over openai-python raise a type error, openai-node ends with
    ``[object Object]``, the AI SDK's openai provider raises, LangChain and LiteLLM lose or garble the text, measured.
    Pydantic AI reads lists of text, and loses the reasoning and the thinking in them. Where the answer begins with a
    list, LiteLLM's loop raises, and openai-python's ``.stream()`` does at the second.

    ## Repair
    Text parts become content, parts of thinking or reasoning become ``reasoning_content``.
    """

    name = "content-array-parts"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = DeltaShape
    variants = (*_AFTER_TEXT, *_ALONE, *_SEVERAL)

    on = Fact.CONTENT | Fact.CONTENT_EMPTY

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        #: What each choice began with: text, or the list that is not told of until another comes; then that list.
        self._began: dict[str, Finding | None] = {}
        self._held: dict[str, tuple[str, ...]] = {}

    def passes(self, run: Run) -> bool:
        return True  # of texts

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            content = reading.delta(choice).get("content")
            key = str(choice.get("index"))
            if type(content) is str:
                self._began.setdefault(key, None)
            elif type(content) is list and content:
                yield from self._judged(key, self._list(at, position, content), _kinds(content), event)

    def _list(self, at: int, position: int, parts: list[Any]) -> Finding:
        path = f"choices[{position}].delta.content"
        return self.found("content is a list of parts", at, path=path, expected="a string", actual=parts)

    def _judged(self, key: str, found: Finding, kinds: tuple[int, ...], event: StreamEvent) -> Findings:
        """The list, with that which began the answer where this is the second; nothing where it begins it."""
        if key not in self._began:
            self._began[key] = changed(self.placed(found, event), variants=_forms(_ALONE, kinds))
            self._held[key] = _forms(_SEVERAL, kinds)
            return
        first = self._began[key]
        if first is not None and key in self._held:
            yield changed(first, variants=self._held.pop(key))
        yield changed(found, variants=_forms(_AFTER_TEXT if first is None else _SEVERAL, kinds))

    def end(self, ending: Ending) -> Findings:
        return [found for key, found in self._began.items() if found is not None and key in self._held]


def _kinds(parts: list[Any]) -> tuple[int, ...]:
    """What a list holds, by the numbers of `_KINDS`; () where nobody was asked about it."""
    kinds = [reading.as_object(part).get("type") for part in parts if len(reading.as_object(part)) > 1]
    return tuple(dict.fromkeys(_KINDS.index(kind) for kind in kinds if kind in _KINDS))


def _forms(forms: tuple[str, ...], kinds: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(forms[kind] for kind in kinds)
