"""See the class."""

from __future__ import annotations

from collections import Counter

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import DELTA_TYPES, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, LateFormRule, lack
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object, chunk_of

#: What a delta adds: the member of its type.
_MEMBERS = ("text", "thinking", "partial_json")


class MessagesDeltaMemberWrong(LateFormRule):
    """A delta has no type, or what it should add is missing or no string.

    ## What Anthropic does
    Sends ``text``, ``thinking``, ``signature`` and ``partial_json`` as strings, always. The first ``partial_json``
    of a tool is ``""``.

    ## Why it matters
    At null anthropic-python, the AI SDK and LiteLLM raise, and anthropic-ts writes ``null`` into the text. An
    object for ``partial_json`` makes ten of twelve raise, and Claude Code ask four times. Without a type both
    official SDKs and LangChain hold nothing at all.

    ## Repair
    Null is dropped, an object is written as JSON, a missing type is the one that the member names.
    """

    name = "messages-delta-member-wrong"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MEMBER
    variants = (
        *(f"{member} is {how} in one delta" for member in _MEMBERS for how in ("missing", "null", "an object")),
        *(f"{member} is an object in every delta" for member in _MEMBERS),
        "thinking stands under text",
        *(f"the type is missing in every delta of {kind}" for kind in KIND.values()),
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._told: Counter[tuple[int | None, str, str]] = Counter()  # by block, member and how it is

    def event(self, at: int, event: StreamEvent) -> None:
        value = chunk_of(event).get("delta")
        kind = as_object(value).get("type")
        if type(value) is not dict:
            said = "the delta is missing" if value is None else f"the delta is {quote(value)}"
            how = None if value is None else Repairability.NONE
            self.later(self.found(said, at, path="delta", repairability=how), event)
        elif type(kind) is not str or not kind:
            self._keep(self._untyped(at, value), event, value, "")
        else:
            self._keep(self._member(at, value, kind), event, value, kind)

    def _keep(self, found: Finding, event: StreamEvent, delta: JsonObject, kind: str) -> None:
        block, member = self.messages.block, DELTA_TYPES.get(kind) or ""
        first = block is not None and block.deltas <= 1
        how = "an object" if type(delta.get(member)) is dict else lack(delta, member)
        if member == "thinking" and how == "missing" and "text" in delta:
            how = "under text"
        elif how == "missing" and delta.keys() & DELTA_TYPES.values():
            how = ""
        if not kind:
            how = "typeless" if "type" not in delta else ""
        self._told[block.number if block is not None else None, member, how] += 1
        self.later(found, event, (block, member, how, first))

    def form_of(self, about: tuple[Block | None, str, str, bool] | None) -> str | None:
        """Clients were asked about one delta that is not the first, and about all of a block."""
        block, member, how, first = about or (None, "", "", False)
        if block is None or not how:
            return None
        times = self._told[block.number, member, how]
        every = times == block.deltas - (block.kind == "thinking" and block.signature is not None and how != "typeless")
        if how == "typeless":
            return f"the type is missing in every delta of {KIND.get(block.kind)}" if every else None
        if how == "under text":
            return "thinking stands under text" if every else None
        if every:
            return f"{member} is {how} in every delta" if how == "an object" else None
        return f"{member} is {how} in one delta" if times == 1 and not first else None

    def _untyped(self, at: int, delta: JsonObject) -> Finding:
        kind, meant = delta.get("type"), self.messages.delta
        return self.found(
            "the delta has no type" if kind is None else f"the type of the delta is {quote(kind)}",
            at,
            path="delta",
            expected=meant or None,
            actual=kind,
            repairability=None if meant or not any(delta.values()) else Repairability.NONE,
        )

    def _member(self, at: int, delta: JsonObject, kind: str) -> Finding:
        member = DELTA_TYPES[kind] or ""
        held = delta.get(member)
        missing = member not in delta
        known = held is None or type(held) is dict
        return self.found(
            f"a {kind} has no {member}" if missing else f"{member} is {quote(held)}",
            at,
            path="delta" if missing else f"delta.{member}",
            expected="a string",
            actual=delta if missing else held,
            repairability=None if known else Repairability.NONE,
        )
