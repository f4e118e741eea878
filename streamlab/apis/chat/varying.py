"""Which strings of a chunk vary from one to the next while all else stays."""

from __future__ import annotations

from streamlab.record import changed
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import TextKind, Varying

_TEXTS = {
    "content": TextKind.CONTENT,
    "refusal": TextKind.REFUSAL,
    **dict.fromkeys(reading.REASONING_KEYS, TextKind.REASONING),
}
#: Members that OpenAI and others fill with noise, so that the length of an event tells nothing.
PADDINGS = ("obfuscation", "p")

#: Members of a detail of the reasoning that hold its text.
_DETAILS = ("text", "summary")


def varying(chunk: JsonObject) -> Varying | None:
    """The one text that a chunk with one choice adds, and its padding; None where it adds more, or none."""
    listed = reading.as_list(chunk.get("choices"))
    if len(listed) != 1 or type(listed[0]) is not dict:
        return None
    choice = listed[0]
    delta = reading.delta(choice)
    texts = [key for key in _TEXTS if type(delta.get(key)) is str and delta[key]]
    if delta.get("content") is not None and type(delta["content"]) is not str:
        return None  # any other value adds text as well
    if choice.get("text") or choice.get("message") or delta.get("function_call"):
        return None
    padding = next((key for key in PADDINGS if type(chunk.get(key)) is str), "")
    index = reading.choice_index(choice)
    if delta.get("tool_calls"):
        return None if texts or not _adds_arguments(delta) else Varying(TextKind.ARGUMENTS, _ARGUMENTS, index, padding)
    if len(texts) != 1:
        return None
    return Varying(_TEXTS[texts[0]], f"choices[0].delta.{texts[0]}", index, padding)


def repeated(chunk: JsonObject) -> Varying | None:
    """The same, and more, for one who only judges: the text may stand there once more and have the number of its token
    beside it, or a chunk with a delta may say nothing at all."""
    listed = reading.as_list(chunk.get("choices"))
    if len(listed) != 1 or type(listed[0]) is not dict or type(listed[0].get("delta")) is not dict:
        return varying(chunk)
    choice, delta = listed[0], listed[0]["delta"]
    text, copies = choice.get("text"), []
    found = varying({**chunk, "choices": [{**choice, "text": ""}]} if text else chunk)
    if found is None:
        return None if text or _says(choice, delta) else Varying(TextKind.NOTHING, "", reading.choice_index(choice))
    said = None if found.text is TextKind.ARGUMENTS else delta[found.path.rpartition(".")[2]]
    if text:
        if text != said:
            return None
        copies.append("choices[0].text")
    details = reading.as_list(delta.get("reasoning_details"))
    if said is not None and len(details) == 1:
        told = (key for key in _DETAILS if reading.as_object(details[0]).get(key) == said)
        copies += [f"choices[0].delta.reasoning_details[0].{key}" for key in told]
    noise = "choices[0].delta.token_id" if type(delta.get("token_id")) is int else ""
    return changed(found, copies=tuple(copies), noise=noise) if copies or noise else found


def _says(choice: JsonObject, delta: JsonObject) -> bool:
    """Whether a choice adds anything to an answer."""
    if any(type(delta.get(key)) is str and delta[key] for key in _TEXTS) or delta.get("content") not in (None, ""):
        return True
    return any(delta.get(key) for key in ("tool_calls", "function_call")) or bool(choice.get("message"))


_ARGUMENTS = "choices[0].delta.tool_calls[0].function.arguments"


def _adds_arguments(delta: JsonObject) -> bool:
    """Whether a delta has one fragment of a tool call, in a list, with text for its arguments."""
    calls = delta["tool_calls"]
    if type(calls) is not list or len(calls) != 1:
        return False
    arguments = reading.function(reading.as_object(calls[0])).get("arguments")
    return type(arguments) is str and bool(arguments)
