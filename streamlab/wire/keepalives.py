"""Chunks that say nothing of an answer: heartbeats in the clothes of chunks."""

from __future__ import annotations

import re
from functools import lru_cache

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.finish_reasons import is_blank, meaning_of
from streamlab.wire.payload import JsonObject

_WORDS = lazy_pattern(r"(?<![a-z])(?:keep[-_ ]?alive|heart[-_ ]?beat|ping)(?![a-z])", re.IGNORECASE)
#: What the words end in.
_ENDS = ("alive", "beat", "ping")
_ENVELOPE = frozenset({"id", "object", "created", "model", "service_tier", "system_fingerprint", "obfuscation"})
#: Members of most chunks, none of which calls itself a keep-alive.
_PLAIN = _ENVELOPE | {"choices", "usage", "type"}
_CHOICE = frozenset({"index", "delta", "text", "logprobs", "finish_reason", "content_filter_results"})
_LONGEST_KNOWN = 100
#: Characters that nobody sees: heartbeats are made of them where a client wants text.
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff \n"


def says_nothing(chunk: JsonObject) -> bool:
    """Whether a chunk has an envelope and, in its choices if there are any, not so much as a role."""
    choices = chunk.get("choices")
    if type(choices) is not list or not all(type(choice) is dict and _is_hollow(choice) for choice in choices):
        return False
    return not any(value for key, value in chunk.items() if key not in _ENVELOPE and key != "choices")


def named_by(chunk: JsonObject) -> str | None:
    """The member by whose value, or own name, a chunk calls itself a keep-alive; None when it does not."""
    for key in ("id", "model", "object", "type"):
        value = chunk.get(key)
        if type(value) is str and _calls_itself_one(value):
            return key
    if chunk.keys() <= _PLAIN:
        return None
    return next((key for key in chunk if key not in _PLAIN and _calls_itself_one(key)), None)


def _calls_itself_one(text: str) -> bool:
    # Ids, models and keys come again with each chunk, and a look at what was seen takes a tenth of a search.
    return _known_to_call(text) if len(text) <= _LONGEST_KNOWN else _calls(text)


@lru_cache(1024)
def _known_to_call(text: str) -> bool:
    return _calls(text)


def _calls(text: str) -> bool:
    plain = text.lower() if text.isascii() else None  # what is no ASCII may be a letter in another case
    return (plain is None or any(end in plain for end in _ENDS)) and _WORDS.search(text) is not None


def is_keepalive(chunk: JsonObject) -> bool:
    """Whether a chunk says by its id, its model or a member of its own that it keeps the connection alive, and nothing
    else: no text that anybody sees, no call, no finish, no usage."""
    if named_by(chunk) is None:
        return False
    choices = chunk.get("choices")
    if type(choices) in (str, int, float, bool) or (choices is None and "choices" in chunk):
        choices = []  # nobody reads it as choices
    elif type(choices) is dict:
        choices = [choices]
    if type(choices) is not list or chunk.get("usage") or chunk.get("error"):
        return False
    return all(type(choice) is not dict or _is_hollow(choice, unseen=True) for choice in choices)


def is_filter_prelude(chunk: JsonObject) -> bool:
    """Whether a chunk tells what Azure's content filter made of the prompt, with an envelope of nobody."""
    tells = chunk.get("choices") == [] and "prompt_filter_results" in chunk
    return tells and type(chunk.get("usage")) is not dict and not chunk.get("id")


def names_no_answer(chunk: JsonObject) -> bool:
    """Whether a chunk calls itself a keep-alive and says nothing but a finish: its envelope is not the answer's."""
    choices = chunk.get("choices")
    if type(choices) is not list or named_by(chunk) is None:
        return False
    return is_keepalive({**chunk, "choices": [{**one, "finish_reason": None} for one in choices if type(one) is dict]})


def _is_hollow(choice: JsonObject, *, unseen: bool = False) -> bool:
    reason = choice.get("finish_reason")
    ends = not (reason is None or is_blank(reason)) and not (unseen and meaning_of(reason) is None)
    if ends or any(value for key, value in choice.items() if key not in _CHOICE):
        return False
    delta = choice.get("delta", {})
    if unseen and (type(delta) is not dict and not is_told_in(delta)):
        delta = {}  # nobody reads it as text
    text = choice.get("text")
    if type(delta) is not dict or (text and not (unseen and _is_unseen(text))):
        return False
    ignored = ("role",) if unseen else ()
    return all(
        not value or key in ignored or (unseen and key == "content" and _is_unseen(value))
        for key, value in delta.items()
    )


def is_told_in(delta: object) -> bool:
    """Whether a text in place of a delta is text of an answer."""
    return type(delta) is str and delta.strip() not in ("", "[DONE]")


def is_dressed_as_delta(event: JsonObject) -> bool:
    """Whether an event is a delta of a response that says nothing that anybody sees."""
    unseen = event.get("type") == "response.output_text.delta" and _is_unseen(event.get("delta"))
    return unseen and bool(str(event["delta"]).strip())


def _is_unseen(text: object) -> bool:
    return type(text) is str and not text.strip(_UNSEEN)
