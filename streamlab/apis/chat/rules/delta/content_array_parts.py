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
#: Thoughts in the list that the answer begins with, text in one behind it.
_THEN_TEXT = {
    kind: f"the answer begins with one that holds {_KINDS[kind]}, one with text follows"
    for kind in range(1, len(_KINDS))
}


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
    variants = (*_AFTER_TEXT, *_ALONE, *_SEVERAL, *_THEN_TEXT.values())

    on = Fact.CONTENT | Fact.CONTENT_EMPTY

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        #: What each choice began with: text, or the list that is not told of until another comes; what that list holds.
        self._began: dict[str, Finding | None] = {}
        self._held: set[str] = set()
        self._first: dict[str, tuple[int, ...]] = {}

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
            self._held.add(key)
            self._first[key] = kinds
            return
        first, forms = self._began[key], _forms(_AFTER_TEXT, kinds)
        if first is not None:
            begun = self._first[key]
            mixed = _THEN_TEXT.get(begun[0]) if kinds == (0,) and len(begun) == 1 else None
            forms = (mixed,) if mixed is not None else _forms(_SEVERAL, kinds)
            if key in self._held:
                self._held.remove(key)
                yield changed(first, variants=forms if mixed is not None else _forms(_SEVERAL, begun))
        yield changed(found, variants=forms)

    def end(self, ending: Ending) -> Findings:
        return [found for key, found in self._began.items() if found is not None and key in self._held]


def _kinds(parts: list[Any]) -> tuple[int, ...]:
    """What a list holds, by the numbers of `_KINDS`; () where nobody was asked about it."""
    kinds = [reading.as_object(part).get("type") for part in parts if len(reading.as_object(part)) > 1]
    return tuple(dict.fromkeys(_KINDS.index(kind) for kind in kinds if kind in _KINDS))


def _forms(forms: tuple[str, ...], kinds: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(forms[kind] for kind in kinds)
