"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.calls_in_text import is_read
from streamlab.apis.chat.text_places import begin_of
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.rules.whole import Whole
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.leaks import leaked_call
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.text_pieces import TextKey
from streamlab.wire.thoughts import ends_thought, opens_thought, tags_around, thought_in
from streamlab.wire.visible import quoted

#: The keys that clients read, each of them one or both.
_BOTH = frozenset({"reasoning", "reasoning_content"})
#: Reasoning whose tags were left in it, by its key.
_TAGS_IN = {key: f"its tags are in {key}" for key in ("reasoning_content", "reasoning")}


class ReasoningFieldVariants(LateRule):
    """Reasoning comes in a field that OpenAI does not have, or inside the text as ``<think>``.

    ## What OpenAI does
    Chat completions have no field for reasoning text.

    ## Why it matters
    Each vendor has its own: ``reasoning_content``, ``reasoning``, ``reasoning_details``, or tags at the start of the
    text. Clients know some of them: LangChain.js, AutoGen and the AI SDK 4 show nothing of ``reasoning`` and
    ``reasoning_details``, the OpenAI Agents SDK for JavaScript nothing of ``reasoning_content``. The same text in
    ``reasoning`` and ``reasoning_content`` is a warning: the OpenAI Agents SDK for Python ends with the reasoning twice
    then, measured. ``reasoning_details`` beside one of them changes nothing for any measured client. Inline tags are a
    warning as well: {clients: wrong when it stays in the text as <think>} measured clients end with another text, which
    shows what was thought before the answer. No error all the same: models are served like this on purpose, their cards
    say so, and the tags tell which is which, where markup of other kinds (model-markup-in-answer) is a server's slip.
    Pydantic AI knows the tag where it is a piece of the text alone. Tags that are left in the field are shown by each
    client that shows the field: {clients: wrong when its tags are in reasoning_content} of them for
    ``reasoning_content``. openai-node's ``.stream()``, today's and version 4's, keeps the last piece of such a field
    alone, so it ends with the closing tag and without the thoughts.

    ## Repair
    None: OpenAI has no field for it, so every name is kept, and it is never merged into the text. Where the tag holds
    a tool call and nothing else, it goes with the call, which is a guess: tool-call-leaked-as-text.
    """

    name = "reasoning-field-variants"
    severity = Severity.INFO
    source = CHAT_CHUNK_DELTA
    of_some = Repairability.UNSAFE
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.RESPONSES})
    on = Fact.REASONING
    ends_after = Whole.TAGS
    alike = True
    variants = (
        "the key is reasoning_content",
        "the key is reasoning",
        "both keys are sent",
        "it stays in the text as <think>",
        "it stays in the text as <think>, a piece of its own",
        "it stays in the text as <reasoning>",
        *_TAGS_IN.values(),
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._keys: dict[int, dict[str, None]] = {}  # choice -> those its reasoning came in

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            inner = reading.delta(choice)
            mirrored = _mirrored(inner)
            if mirrored:
                yield self.found(
                    f"the same reasoning comes in {' and '.join(map(quoted, mirrored))}",
                    at,
                    path=f"choices[{position}].delta",
                    expected="(absent)",
                    severity=Severity.WARNING if set(mirrored) >= _BOTH else None,
                    variant=_variant(mirrored[0], inner),
                )
            for key in reading.REASONING_KEYS:
                if not inner.get(key):
                    continue
                self._keys.setdefault(reading.choice_index(choice), {})[key] = None
                if key not in mirrored:
                    path = f"choices[{position}].delta.{key}"
                    variant = _variant(key, inner)
                    said = f"reasoning comes in {quoted(key)}"
                    yield self.found(said, at, path=path, expected="(absent)", variant=variant)

    def end(self, ending: Ending) -> Findings:
        for whose, index, text, reasoning in self.ctx.said():
            if tags_around(reasoning):
                found = self._begins(
                    (index, "reasoning"),
                    f"the reasoning of {whose} has its tags in it",
                    expected="the reasoning alone",
                    actual=reasoning[:24],
                    severity=Severity.WARNING,
                )
                keys = self._keys.get(index or 0, ())
                yield changed(found, variants=tuple(_TAGS_IN[key] for key in keys if key in _TAGS_IN))
            tag, ended = opens_thought(text), ends_thought(text)
            if tag is not None:
                said = f"begins with {self._held(text, tag)}"
            elif ended is not None and text.lstrip().startswith(ended):
                said = f"begins with {ended}, which ends reasoning"
            elif ended is not None and not reasoning:
                said = f"begins with reasoning that ends in {ended}"
            else:
                continue
            yield self._begins(
                (index, "content"),
                f"the text of {whose} {said}",
                expected="the answer",
                actual=text.lstrip()[: 24 if tag else 80],
                severity=Severity.WARNING,
                variant=self._tagged(tag),
                repairability=self.of_some if self._is_read(index) else None,
            )
            return

    def _is_read(self, index: int | None) -> bool:
        """Whether a text with tags becomes calls on request, and the tags go with them."""
        choices = getattr(self.ctx.accumulator, "choices", {})
        return index in choices and is_read(choices[index], choices, self.ctx.tools)

    def _begins(self, key: TextKey, message: str, **details: Any) -> Finding:
        """A finding of how a text begins: at the bytes of its first piece, and under no path."""
        return changed(self.found_at(begin_of(self.ctx, key), message, **details), path=None)

    def _held(self, text: str, tag: str) -> str:
        """What the tag holds with which a text begins, for a message: models open it for other things as well."""
        held, ends = thought_in(text, tag)
        call = leaked_call(held, self.ctx.tools or frozenset())
        if call is not None and held.startswith(call):
            return f"{tag}, which holds {'a tool call' if ends else 'a tool call and never ends'}"
        if not held:
            return f"{tag}, which holds nothing"
        return f"reasoning in {tag}{'' if ends else ', which never ends'}"

    def _tagged(self, tag: str | None) -> str | None:
        """Which form of the deviation a tag is; some clients know ``<think>`` where it is a piece of the text alone."""
        if tag != "<think>":
            return f"it stays in the text as {tag}" if tag == "<reasoning>" else None
        first = self.ctx.seen.first_content
        choices = reading.choices(first[1]) if first is not None else []
        pieces = [reading.delta(choice).get("content") for choice in choices]
        return f"it stays in the text as {tag}{', a piece of its own' * (tag in pieces)}"


def _mirrored(inner: JsonObject) -> tuple[str, ...]:
    """The keys of a delta that hold the same text of reasoning, where there are several."""
    texts = {key: inner[key] for key in reading.REASONING_KEYS if type(inner.get(key)) is str and inner[key]}
    return tuple(texts) if len(texts) > 1 and len(set(texts.values())) == 1 else ()


def _variant(key: str, inner: JsonObject) -> str | None:
    """Which form of the deviation it is; None for a key that no client was asked about."""
    if inner.get("reasoning") and inner.get("reasoning_content"):
        return "both keys are sent"
    return f"the key is {key}" if key in ("reasoning", "reasoning_content") else None
