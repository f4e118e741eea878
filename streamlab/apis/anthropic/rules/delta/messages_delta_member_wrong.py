"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import DELTA_TYPES, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object, chunk_of


class MessagesDeltaMemberWrong(MessagesRule):
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
    variants = ("the type is missing", "it is null", "it is missing", "it is an object")

    def event(self, at: int, event: StreamEvent) -> Findings:
        value = chunk_of(event).get("delta")
        kind = as_object(value).get("type")
        if type(value) is not dict:
            said = "the delta is missing" if value is None else f"the delta is {quote(value)}"
            how = None if value is None else Repairability.NONE
            return (self.found(said, at, path="delta", repairability=how),)
        if type(kind) is not str or not kind:
            return (self._untyped(at, value),)
        return (self._member(at, value, kind),)

    def _untyped(self, at: int, delta: JsonObject) -> Finding:
        kind, meant = delta.get("type"), self.messages.delta
        return self.found(
            "the delta has no type" if kind is None else f"the type of the delta is {quote(kind)}",
            at,
            path="delta",
            expected=meant or None,
            actual=kind,
            variant="the type is missing",
            repairability=None if meant or not any(delta.values()) else Repairability.NONE,
        )

    def _member(self, at: int, delta: JsonObject, kind: str) -> Finding:
        member = DELTA_TYPES[kind] or ""
        held = delta.get(member)
        missing = member not in delta
        known = held is None or type(held) is dict
        variant = "it is an object" if type(held) is dict else "it is missing" if missing else "it is null"
        return self.found(
            f"a {kind} has no {member}" if missing else f"{member} is {quote(held)}",
            at,
            path="delta" if missing else f"delta.{member}",
            expected="a string",
            actual=delta if missing else held,
            variant=variant if known else None,
            repairability=None if known else Repairability.NONE,
        )
