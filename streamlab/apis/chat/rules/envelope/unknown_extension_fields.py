"""See the class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from streamlab.apis import api_names
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

# Keys that other rules speak about (reasoning, message, padding, error, usage in a choice) are known here.
_TOP = frozenset(
    [
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "system_fingerprint",
        "service_tier",
        "obfuscation",
        "moderation",
        "error",
        "p",
    ]
)
_CHOICE = frozenset(["index", "delta", "logprobs", "finish_reason", "text", "message", "usage"])
_DELTA = frozenset(
    ("role", "content", "refusal", "tool_calls", "function_call", "audio", "annotations", *reading.REASONING_KEYS)
)
#: Azure's documented filter verdicts, by the beginning of their names.
_AZURE = ("content_filter", "prompt_filter", "prompt_annotations")
_MAX_FIELDS = 32
_WHAT: dict[type, str] = {dict: "an object", list: "a list", str: "text"}


class UnknownExtensionFields(Rule):
    """A chunk has fields that OpenAI's schema does not know.

    ## What OpenAI does
    Sends the fields of its schema, and adds to them over time (``obfuscation``, ``service_tier``, ``moderation``); it
    asks clients to ignore what they do not know. Azure's filter verdicts are documented and not reported.

    ## Why it matters
    Mostly not at all: every measured client ignores unknown fields, but for ``cost`` in usage: Agno adds it up, and
    raises where it is no number, as Perplexity's (an object), a warning. Some that merge chunks repeat such a field as
    often as it comes (LangChain with ``citations``), and a client that reads it works with this vendor only.

    ## Repair
    None: what a vendor adds is kept.
    """

    name = "unknown-extension-fields"
    severity = Severity.INFO
    source = CHAT_CHUNK
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.USAGE
    alike = True
    variants = ("citations come in every chunk", "they are others", "the cost in usage is no number")

    def shape(self, at: int, chunk: Chunk) -> Findings:
        if "choices" not in chunk.json:
            return  # no chunk, but some other object
        texts = self.ctx.api.name == api_names.COMPLETIONS
        for count, path in enumerate(_unknown(chunk.json, texts=texts)):
            if count == _MAX_FIELDS:
                return
            yield self.found(
                f"{quote(path)} is no field of OpenAI's schema",
                at,
                path=path,
                variant=self.variants[path != "citations"],
            )

    def event(self, at: int, event: StreamEvent) -> Findings:
        cost: Any = reading.as_object(reading.chunk_of(event).get("usage")).get("cost")
        if isinstance(cost, dict | list | str):
            yield self.found(
                f"cost, no field of OpenAI's usage, is {_WHAT[type(cost)]} and no number",
                at,
                path="usage.cost",
                actual=cost,
                severity=Severity.WARNING,
                variant=self.variants[2],
            )


def _unknown(chunk: JsonObject, *, texts: bool) -> Iterator[str]:
    """Paths of such fields; ``texts`` says that choices have a ``text``, which legacy completions do."""
    yield from _keys(chunk, _TOP, "")
    for position, choice in enumerate(reading.choices(chunk)):
        told = type(choice.get("text")) is str if texts else "text" in choice  # else completions-chat-shape tells it
        both = told and "delta" in choice  # one of them is a vendor's own
        known = _CHOICE - {"delta" if texts else "text"} if both else _CHOICE
        yield from _keys(choice, known, f"choices[{position}].")
        if both and texts:
            continue
        yield from _keys(reading.delta(choice), _DELTA, f"choices[{position}].delta.")


def _keys(holder: Iterable[str], known: frozenset[str], prefix: str) -> Iterator[str]:
    return (f"{prefix}{key}" for key in holder if key not in known and not key.startswith(_AZURE))
