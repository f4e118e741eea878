"""Events that are none of this API, or of no type that is known."""

from __future__ import annotations

from streamlab.apis.responses.expectations import text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.events import OWN
from streamlab.rules.repair import Change, Draft, RepairState
from streamlab.rules.repairs.framing import comment
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import as_object

_F = ResponseFact
#: What vLLM and Bedrock call parts of reasoning.
REASONING_PART = "response.reasoning_part."


def foreign(draft: Draft, *, begun: bool, state: RepairState) -> Draft:
    """An event of no kind that this API has becomes a comment, once a response has begun."""
    told = [*reading.choices(draft.json), *(as_object(draft.json.get(key)) for key in _HOLDERS)]
    if begun and draft.json.keys() & OWN:
        state.account.cannot("responses-keepalive-event", "what type it should have is not on the wire")
    elif draft.json.get("usage") or any(map(says, (draft.json, *told, *map(reading.delta, told)))):
        state.account.cannot("responses-keepalive-event", "what it says may belong to the answer")
    elif begun and draft.json.get("object") != "response":
        kind = text_of(draft.json.get("type"))
        draft.event = comment(b" " + encode_json(draft.json))
        draft.changes.append(Change("responses-keepalive-event", "", kind, ":"))
    return draft


def known(draft: Draft, facts: int, kind: str, state: RepairState) -> bool:
    """Give an event of an unknown type the name that it has here; False where it has none."""
    rule = "responses-unknown-event"
    if kind.startswith(REASONING_PART):
        draft.put(rule, draft.json, "type", kind.replace("reasoning_part", "content_part"), "")
        return True
    if state.unsafe and not may_be_what_is_missing(facts):
        draft.event = comment(b" " + encode_json(draft.json))
        draft.changes.append(Change(rule, "", kind, ":"))
    else:
        state.account.cannot(rule, "who understands it would miss it")
    return False


def may_be_what_is_missing(facts: int) -> bool:
    """Whether an event of an unknown type may be the start, or the part, that others lack."""
    return bool(facts & (_F.UNADDED | _F.UNPARTED | _F.ORDER | _F.UNOPENED))


def says(value: JsonObject) -> bool:
    """Whether an object has a text or arguments of an answer."""
    return any(type(value.get(key)) is str and value[key] for key in _SAYING)


_SAYING = (
    *("text", "content", "delta", "refusal", "arguments", "reasoning", "reasoning_content"),
    *("thinking", "partial_json"),
)
#: Members in which events of Messages say something.
_HOLDERS = ("delta", "content_block")
