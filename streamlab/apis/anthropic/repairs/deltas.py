"""What a delta should have been: its type, its member, as a string."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.anthropic.blocks import extra_reasoning
from streamlab.apis.anthropic.expectations import DELTA_TYPES, MEMBER_DELTAS
from streamlab.apis.anthropic.repairs.parts import Message, delta_event, made
from streamlab.rules.repair import Draft
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import as_object

_RULE = "messages-delta-member-wrong"
_EXTRA = "messages-reasoning-extra-key"


def clean(draft: Draft, message: Message) -> JsonObject | None:
    """The delta as it should be; None where it adds nothing and goes."""
    delta = draft.json.get("delta")
    if type(delta) is not dict:
        return None if delta is None else {}
    kind = delta_kind(delta)
    if not kind:
        return delta if any(value is not None for value in delta.values()) else None
    _type(draft, delta, message)
    member = DELTA_TYPES.get(kind)
    if member is None or type(delta.get(member)) is str:
        return delta
    message.odd = True
    return _member(draft, delta, member)


def _type(draft: Draft, delta: JsonObject, message: Message) -> None:
    kind = delta_kind(delta)
    if kind and kind != delta.get("type"):
        message.odd = True
        draft.put(_RULE, delta, "type", kind, "delta.")


def delta_kind(delta: JsonObject) -> str:
    """The type of a delta, or the one that its member names; "" where neither does."""
    kind = delta.get("type")
    if type(kind) is str and kind:
        return kind
    return next((MEMBER_DELTAS[key] for key in delta if key in MEMBER_DELTAS), "")


def _member(draft: Draft, delta: JsonObject, member: str) -> JsonObject | None:
    """A member that is missing, null, or of another type."""
    value = delta.get(member)
    others = [key for key in delta if key in MEMBER_DELTAS and key != member and type(delta[key]) is str]
    if value is None and others and member != "partial_json":  # no text becomes what a tool is called with
        value = delta[others[0]]
        draft.drop(_RULE, delta, others[0], "delta.")
    if value is None and not any(delta[key] is not None for key in delta.keys() - {"type", member}):
        return None
    if value is None:  # it says something else
        value = ""
    if type(value) not in (str, dict):
        return delta
    text = value if type(value) is str else encode_json(value).decode("utf-8", "replace")
    draft.put(_RULE, delta, member, text, "delta.")
    return delta


def extra_thinking(draft: Draft, message: Message) -> Iterator[Draft]:
    """Reasoning beside the text of a delta, as a delta of its own before it."""
    delta = as_object(draft.json.get("delta"))
    _type(draft, delta, message)  # it tells what stands beside it
    while (key := extra_reasoning(delta)) is not None:
        piece = delta[key]
        message.odd = True
        draft.drop(_EXTRA, delta, key, "delta.")
        if piece:
            yield made(delta_event(draft.json.get("index"), "thinking_delta", "thinking", piece), draft, _EXTRA)
