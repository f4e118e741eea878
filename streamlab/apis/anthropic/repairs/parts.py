"""What the parts of the repair share: how an event is made, and what is known of the message on its way out."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.anthropic.expectations import BLOCK_DELTA, BLOCK_START
from streamlab.apis.anthropic.facts import ODD
from streamlab.apis.anthropic.reader import MessageReader
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    ABSENT,
    Change,
    Chunk,
    Comment,
    Draft,
    Drafts,
    ErrorPayload,
    Origin,
    RepairState,
    Undecodable,
)
from streamlab.wire.payload import JsonObject

#: Members in which events say something, and the one of each event of a block.
_SAYING: Final = ("message", "content_block", "delta", "error")
_OWN: Final = {BLOCK_START: "content_block", BLOCK_DELTA: "delta"}


class Message:
    """The message as the parts know it; ``reader`` reads what the envelope has let go, before blocks are put right."""

    def __init__(self, state: RepairState) -> None:
        self.state = state
        self.reader = MessageReader()
        self.facts = 0  # of the event being repaired
        self._torn = self.behind_torn = False  # nobody can read the event, or the one before it
        self.odd = False  # something was not as it should be: from now on every event is looked at
        self.other_answer = False  # another answer began: nothing is repaired any more
        self.invented = False  # message_start is of our making
        self.stop_reason: Any = None  # known from any event
        self.input: JsonObject = {}  # input tokens of message_start
        self.as_came: Draft | None = None  # an event that stays where it is
        self.left: list[Draft] = []  # starts on their way that go out as they came, each for a block that is open
        self.told = False  # a message_delta went out
        self.called = False  # a tool went out that the client is to run
        self.ended = False  # message_stop or an error went out

    def read(self, draft: Draft) -> int:
        """Take an event in, when it is its turn; its facts."""
        event = draft.event
        if type(event) is Chunk or type(event) is ErrorPayload:
            self.facts = self.reader.read_json(event.json)
        else:
            self.facts = 0
        torn = type(event) is Undecodable
        if torn or type(event) is Chunk:
            self.behind_torn, self._torn = self._torn, torn
        if self.facts & ODD or torn:
            self.odd = True
        return self.facts

    @property
    def begun(self) -> bool:
        """Whether content came; deltas that are as they should be are passed by, and only noted."""
        return bool(self.state.opened) or any(block.deltas for block in self.reader.blocks)

    @property
    def passing(self) -> bool:
        """Whether nothing is repaired any more."""
        return self.other_answer

    def cannot(self, rule: str, why: str, at: int | None = None) -> None:
        """Note that a deviation stays, and why; it stands in event ``at``, or in the one at hand."""
        self.state.account.cannot(rule, why, at)

    def drop(self, draft: Draft, rule: str) -> None:
        """Note that nothing of an event goes out."""
        self.odd = True
        self.state.account.drop(draft, rule)


class Part:
    """One step of the repair. ``holding`` says that it waits for what comes next."""

    def __init__(self, message: Message) -> None:
        self.message = message

    @property
    def holding(self) -> bool:
        """Whether something is held back."""
        return False

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        return (draft,)

    def idle(self) -> Drafts:
        """Give up what is held back, because the stream only keeps itself alive."""
        return ()

    def finish(self, ending: Ending) -> Drafts:
        """The stream is over: what was held back, and what has to be added."""
        return ()


def is_quiet(draft: Draft) -> bool:
    """Whether an event only keeps the connection alive."""
    event = draft.event
    return type(event) is Comment or (type(event) is Chunk and event.json.get("type") == "ping")


def kind_of(draft: Draft) -> str:
    """The type of an event; "" where it has none."""
    event = draft.event
    kind = event.json.get("type") if type(event) is Chunk else None
    return kind if type(kind) is str else ""


def says_more(draft: Draft) -> bool:
    """Whether an event of a block holds what those of other types say: its type may be wrong."""
    own = _OWN.get(kind_of(draft), "")
    return any(key in draft.json for key in _SAYING if key != own)


def made(value: JsonObject, like: Draft, rule: str, origin: Origin = Origin.DERIVED) -> Draft:
    """A new event that stands for what another one said."""
    change = Change(rule, "", ABSENT, value.get("type"), origin)
    return Draft(Chunk(None, value), like.sources, [change], origin is Origin.INVENTED)


def delta_event(index: Any, kind: str, member: str, piece: str) -> JsonObject:
    """A content_block_delta."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, member: piece}}
