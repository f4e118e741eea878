"""What the rules of the Messages API share: the reader they ask, and how the input of a tool is judged."""

from __future__ import annotations

from typing import Any, ClassVar

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import CUTTING_REASONS, DELTA_BLOCKS, ERROR, FOREIGN_STOP_REASONS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.inputs import InputFault, fault_of
from streamlab.apis.anthropic.reader import MessageReader
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Finding, Repairability
from streamlab.rules.state import RuleState
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object, chunk_of

_MOST_PLACES = 100
_MOST_FINDINGS = 10_000
#: What forms call a block that clients were asked about.
KIND = {"text": "a text", "thinking": "thinking", "tool_use": "a call"}
#: The block type that is a delta type's own.
OWN_BLOCK = {**DELTA_BLOCKS, "input_json_delta": "tool_use"}


class MessagesRule(LateRule):
    """A rule about a Messages stream; it asks ``messages`` for what the event means where it stands."""

    @property
    def messages(self) -> MessageReader:
        """The message so far, the event being judged included."""
        reader = self.ctx.tracker
        assert isinstance(reader, MessageReader)
        return reader

    @property
    def complete(self) -> bool:
        """Whether the message came to an end: a stop_reason, or message_stop."""
        return self.messages.stopped or self.messages.stop_reason is not None

    def found(self, message: str, at: int | None = None, **said: Any) -> Finding:
        """A finding; nothing is repaired any more once another answer began."""
        if self.messages.other_answer:
            said["repairability"] = Repairability.NONE
        return super().found(message, at, **said)

    def block_of(self, event: StreamEvent) -> JsonObject:
        """The content_block of the event being judged; empty where it is none."""
        return as_object(chunk_of(event).get("content_block"))

    def opened(self) -> Block | None:
        """The block that the event being judged opens; None for a start that is repeated."""
        return None if self.ctx.facts & MessageFact.RESTARTED else self.messages.block

    @property
    def again(self) -> bool:
        """Whether the event being judged comes a second time, or after the end: then it is not judged for itself."""
        return bool(self.ctx.facts & (MessageFact.AGAIN | MessageFact.AFTER_STOP | MessageFact.AFTER_ERROR))

    @staticmethod
    def well_formed(event: ErrorPayload) -> bool:
        """Whether an error is as Anthropic sends it."""
        told = as_object(event.json.get("error"))
        named = event.sse is None or event.sse.event == b"error"
        typed = event.json.get("type") == ERROR
        return named and typed and type(told.get("type")) is str and type(told.get("message")) is str

    @property
    def eager(self) -> bool:
        """Whether the request asks for tool input that is sent as it is made and may be no JSON."""
        request = self.ctx.request
        betas = (value for name, value in request.headers if name.lower() == "anthropic-beta") if request else ()
        tools = (as_object(tool) for tool in as_list(self.ctx.body.get("tools")))
        asked = any(tool.get("eager_input_streaming") is True for tool in tools)
        return asked or any("fine-grained-tool-streaming" in value for value in betas)


def lack(holder: JsonObject, member: str) -> str:
    """How a member that should be there is not, in the words of forms."""
    if member not in holder:
        return "missing"
    value = holder[member]
    return "null" if value is None else "empty" if value == "" else "another"


class LateFormRule(MessagesRule):
    """A rule whose findings tell which form they are when the stream is over: `form_of` says it of what was kept."""

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._kept: list[tuple[Finding, Any]] = []

    def later(self, finding: Finding, event: StreamEvent, about: Any = None) -> None:
        """Keep a finding, and what its form is told by."""
        if len(self._kept) < _MOST_FINDINGS:
            self._kept.append((self.placed(finding, event), about))

    def end(self, ending: Ending) -> Findings:
        for finding, about in self._kept:
            form = self.form_of(about)
            yield self.in_form(finding, form)

    def form_of(self, about: Any) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        raise NotImplementedError


class ToolInputRule(MessagesRule):
    """A rule about one thing that can be wrong with the joined input of a tool; ``wrong`` words it."""

    fault: ClassVar[InputFault]
    on = MessageFact.BLOCK_STOP

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._closed: list[tuple[Block, Place]] = []

    def event(self, at: int, event: StreamEvent) -> None:
        block = self.messages.block
        if block is not None and block.is_tool and len(self._closed) < _MOST_PLACES:
            self._closed.append((block, self.keep(at, event)))

    def end(self, ending: Ending) -> Findings:
        told: set[int] = set()
        still = self.messages.open_blocks[:_MOST_PLACES]
        still = still if self.complete else [one for one in still if self.lasts(one)]
        for block, place in (*self._closed, *((block, None) for block in still if block.is_tool and block.text)):
            if block.text and block.number not in told and fault_of(block) is self.fault and self.speaks(block):
                told.add(block.number)
                text = str(block.text)
                how = Repairability.NONE if self.fault is InputFault.NOT_OBJECT and text.strip() != "null" else None
                found = {
                    "expected": "a JSON object",
                    "actual": text,
                    "repairability": how,
                    "variant": self.form_asked(self.form(block)),
                }
                yield self.found_at(place, self.wrong(block, text), **found)

    def speaks(self, block: Block) -> bool:
        """Whether nothing excuses it."""
        return True

    def lasts(self, block: Block) -> bool:
        """Whether nothing that may still come of the input makes it right."""
        return False

    def form(self, block: Block) -> str | None:
        """Which form of the deviation this is."""
        return None

    def wrong(self, block: Block, text: str) -> str:
        """What is wrong with this input."""
        raise NotImplementedError

    def may_be_cut(self, block: Block) -> bool:
        """Whether the input is the last of an answer that was cut, or whose end is not known."""
        reason = self.messages.told_reason
        if not reason or not block.opened or self.eager:
            return True
        last = max((one.number for one in self.messages.blocks if one.is_tool), default=-1)
        meant = FOREIGN_STOP_REASONS.get(reason, reason) if type(reason) is str else None
        return meant in CUTTING_REASONS and block.number == last


__all__ = ["KIND", "OWN_BLOCK", "LateFormRule", "MessagesRule", "Place", "ToolInputRule", "lack"]
