"""See the class."""

from __future__ import annotations

from math import isfinite
from typing import Any

from streamlab.apis import api_names
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_LOGPROBS
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_LEGACY = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
#: What is wrong, and which form of the deviation it is; None for one that no client was asked about.
_Fault = tuple[str, str | None]


class LogprobsShape(Rule):
    """``logprobs`` has another shape than the endpoint promises.

    ## What OpenAI does
    Chat: ``{content: [{token, logprob, bytes, top_logprobs}], refusal}``. Legacy completions: ``{tokens,
    token_logprobs, top_logprobs, text_offset}``. Null is fine everywhere. Of chat, ``content`` is required, be it null.
    So is the refusal key, which came in August 2024; that it is missing is not judged. Whether tokens and text match is
    not judged either: tokens may hold parts of characters.

    ## Why it matters
    Where it is no object, where its content is no list, and where an entry lacks what it should have, many clients
    raise, the ``.stream()`` helpers of OpenAI's libraries among them, whether logprobs were wanted or not: an error.
    Where chat has an object without ``content``, be it the shape of legacy completions or the refusal alone, clients
    find no list to read; nobody but the AI SDK 4, two major versions old, raises: a warning. Nobody minds that the
    bytes are missing, nor any other shape in legacy completions: these are warnings as well.

    ## Repair
    None: what is missing, nobody knows; the legacy shape, too, has no bytes of the tokens.
    """

    name = "logprobs-shape"
    severity = Severity.ERROR
    source = CHAT_CHUNK_LOGPROBS
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.LOGPROBS
    variants = (
        "it is a list",
        "it is no object, and no list of anything",
        "content is text",
        "content is an object or a number",
        "content is an empty object",
        "content is empty text",
        "refusal is text",
        "refusal is an object",
        "an entry is no object",
        "an entry lacks a member, or its token is no text",
        "logprob or top_logprobs of an entry is of another type",
        "it has no content",
        "an entry has no bytes",
        "it lacks a list",
    )

    #: Forms that harm nobody, or nobody but the AI SDK 4.
    _harmless = (*variants[11:], None)

    def event(self, at: int, event: StreamEvent) -> Findings:
        chat = self.ctx.api.name == api_names.CHAT
        judge = _chat_fault if chat else _legacy_fault
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            logprobs = choice.get("logprobs")
            fault = judge(logprobs) if logprobs is not None else None
            if fault is not None:
                what, variant = fault
                yield self.found(
                    f"logprobs {what}",
                    at,
                    path=f"choices[{position}].logprobs",
                    actual=logprobs,
                    severity=Severity.WARNING if not chat or variant in self._harmless else None,
                    variant=variant,
                )


def _no_object(logprobs: Any) -> _Fault:
    what = f"is {quote(logprobs)}, no object"
    if type(logprobs) is list and logprobs:
        return what, "it is a list"
    unasked = type(logprobs) is bool or (type(logprobs) is float and not isfinite(logprobs))
    return what, None if unasked else "it is no object, and no list of anything"


def _chat_fault(logprobs: Any) -> _Fault | None:
    if type(logprobs) is not dict:
        return _no_object(logprobs)
    if "content" not in logprobs:
        legacy = "tokens" in logprobs or "token_logprobs" in logprobs
        return "has the shape of legacy completions" if legacy else "has no content", "it has no content"
    content, refusal = logprobs["content"], logprobs.get("refusal")
    if content is not None and type(content) is not list:
        return "has content that is no list", _CONTENT.get((type(content), bool(content)))
    if refusal is not None and type(refusal) is not list:
        return "has refusal that is no list", _REFUSAL.get((type(refusal), bool(refusal)))
    return _worst("content", content) or _worst("refusal", refusal)


#: Forms of what stands for a list, by its type and whether it holds anything.
_CONTENT: dict[tuple[type, bool], str] = {
    (str, True): "content is text",
    (dict, True): "content is an object or a number",
    (int, True): "content is an object or a number",
    (float, True): "content is an object or a number",
    (dict, False): "content is an empty object",
    (str, False): "content is empty text",
}
_REFUSAL: dict[tuple[type, bool], str] = {(str, True): "refusal is text", (dict, True): "refusal is an object"}


def _worst(key: str, entries: Any) -> _Fault | None:
    """What is wrong in the first entry that clients mind; else in the first with anything wrong."""
    first: _Fault | None = None
    for entry in entries or ():
        fault = _entry_fault(entry)
        if fault is not None and (first is None or fault[1] != _NO_BYTES):
            first = fault
            if fault[1] != _NO_BYTES:
                break
    if first is None:
        return None
    return f"has an entry in {key} {first[0]}", first[1] if key == "content" else None  # nobody was asked about refusal


_NO_BYTES = "an entry has no bytes"


def _entry_fault(entry: Any) -> _Fault | None:
    if type(entry) is not dict:
        return "that is no object", "an entry is no object"
    for member, what, kinds in _MEMBERS:
        value = entry.get(member)
        if type(value) not in kinds:
            lacks = value is None or member == "token"
            return f"without {what}", LogprobsShape.variants[9 if lacks else 10]
    return ("without bytes", _NO_BYTES) if "bytes" not in entry else None


_MEMBERS: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("token", "a token", (str,)),
    ("logprob", "a logprob", (int, float)),
    ("top_logprobs", "a list of top_logprobs", (list,)),
)


def _legacy_fault(logprobs: Any) -> _Fault | None:
    if type(logprobs) is not dict:
        return _no_object(logprobs)
    missing = [key for key in _LEGACY if key not in logprobs]
    if "tokens" in missing and "content" in logprobs:
        return "has the shape of chat completions", "it lacks a list"
    return (f"has no {missing[0]}", "it lacks a list") if missing else None
