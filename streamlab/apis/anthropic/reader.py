"""What an event of a Messages stream is, and what it means where it stands; the state of the message, tracked once.

`MessageReader` is asked about every event, in order. It keeps the message, its blocks and what came before, and says
by *facts* what is odd about an event's place: rules and repairs wait for those facts and ask the reader for the rest.
A plain delta of the one open block takes the short way and has the fact `MessageFact.DELTA` alone.
"""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.anthropic.blocks import Block, Deltas, Indexes, extra_reasoning, going_on, meant_by
from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    BLOCK_TYPES,
    DELTA_BLOCKS,
    DELTA_TYPES,
    ERROR,
    EVENT_TYPES,
    MEMBER_DELTAS,
    MESSAGE_DELTA,
    MESSAGE_START,
    MESSAGE_STOP,
    PING,
    USAGE_TOKENS,
)
from streamlab.apis.anthropic.facts import ODD, MessageFact
from streamlab.wire.error_objects import flat_error
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact, as_object
from streamlab.wire.runs import Run, TextKind, Varying

#: Blocks of one message that are told apart; a message with more is not judged any further.
MOST_BLOCKS: Final = 10_000
_NAMES: Final = {kind.encode(): kind for kind in EVENT_TYPES}
_WIRE: Final = {kind: kind.encode() for kind in EVENT_TYPES}
_DELTA_NAME: Final = BLOCK_DELTA.encode()
#: What a delta adds, in the words of every API.
_ADDS: Final = {
    "text_delta": Fact.CONTENT,
    "thinking_delta": Fact.REASONING,
    "input_json_delta": Fact.TOOL_CALLS,
}


_F = MessageFact
_KINDS: Final = {
    MESSAGE_START: _F.START,
    BLOCK_START: _F.BLOCK_START,
    BLOCK_DELTA: _F.DELTA,
    BLOCK_STOP: _F.BLOCK_STOP,
    MESSAGE_DELTA: _F.MESSAGE_DELTA,
    MESSAGE_STOP: _F.STOP,
    PING: _F.PING,
    ERROR: _F.ERROR,
}


def is_content(value: JsonObject) -> bool:
    """Whether an event says what it is, and that is no error: an ``error`` beside it is one for nobody."""
    kind = value.get("type")
    return type(kind) is str and kind in _KINDS and kind != ERROR


class MessageReader:
    """The message so far. After `read`, ``kind``, ``block``, ``delta`` and ``index`` are about the event read."""

    repeated = MessageFact.DELTA

    def __init__(self) -> None:
        # the message
        self.message: JsonObject | None = None  # of message_start
        self.blocks: list[Block] = []
        self.endings: list[JsonObject] = []  # the message_delta events (the first hundred)
        self.stop_reason: Any = None
        self.usage: JsonObject = {}
        self.stopped = False
        self.stop: JsonObject = {}  # the message_stop
        self.error: JsonObject | None = None  # that came before its stop
        self.other_answer = False  # a second message_start began another message: what comes is no longer this one
        # the event read last
        self.kind = ""
        self.block: Block | None = None
        self.delta = ""  # the delta's type, or the one that its member names
        self.index = Indexes()  # and what is wrong with its index
        self._only: Block | None = None  # the open block, while there is exactly one and nothing is odd
        self.begun = False  # whether anything of a message came

    # -- what rules and repairs ask ----------------------------------------------------------------------------------

    @property
    def open_blocks(self) -> list[Block]:
        """Blocks that were opened and not closed."""
        return [block for block in self.blocks if block.open and block.opened]

    @property
    def finished(self) -> bool:
        """Whether the message has said why it stops, or that it does."""
        return self.stop_reason is not None or self.stopped

    @property
    def told_reason(self) -> Any:
        """Why the message stops, wherever it says so: message_stop may hold what message_delta should have said."""
        if self.stop_reason not in (None, ""):
            return self.stop_reason
        return self.stop.get("stop_reason") or as_object(self.stop.get("delta")).get("stop_reason")

    @property
    def failed(self) -> bool:
        """Whether an error came before the message was stopped."""
        return self.error is not None

    @property
    def client_tools(self) -> list[Block]:
        """The calls that the client is to run."""
        return [block for block in self.blocks if block.is_client_tool and block.opened]

    @property
    def text(self) -> str:
        """The text of all blocks, in order."""
        return "".join(block.given + str(block.text) for block in self.blocks if block.kind == "text")

    @property
    def lost(self) -> bool:
        """Whether there are more blocks than are told apart."""
        return len(self.blocks) >= MOST_BLOCKS

    def restore(self, block: Block, is_open: bool, text: str, signature: str | None, citations: int) -> None:
        """Add a block of another reader as it was at some moment."""
        past = self._new(block.index, block.start, opened=block.opened)
        past.open, past.signature, past.citations = is_open, signature, block.citations[:citations]
        past.add(text)
        self.begun = True

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, event: StreamEvent) -> int:
        """Take an event in; its facts."""
        if type(event) is not Chunk:
            return self._read_other(event)
        value, sse = event.json, event.sse
        if self._only is not None and value.get("type") == BLOCK_DELTA:
            block, delta = self._only, value.get("delta")
            if value.get("index") == block.index and type(delta) is dict and (sse is None or sse.event == _DELTA_NAME):
                kind: Any = delta.get("type")
                piece: Any = delta.get(block.fits.get(kind)) if type(kind) is str else None
                if type(piece) is str and type(value["index"]) is int and len(delta) == 2:
                    self.kind, self.block, self.delta = BLOCK_DELTA, block, kind
                    block.deltas += 1
                    if kind == "signature_delta" or block.signature is not None:
                        block.sign(kind, piece)
                        return _F.DELTA | _F.SIGNATURE | Fact.REASONING
                    block.add(piece)
                    return _F.DELTA | _ADDS[kind]
        return self._read_object(value, sse.event if sse is not None else None, sse is None)

    # -- runs --------------------------------------------------------------------------------------------------------

    def varying(self, value: JsonObject) -> Varying | None:
        """What changes from the delta just read to the next ones."""
        member = self._only.grows_by(value) if self._only is not None else ""
        return Varying(TextKind.CONTENT, f"delta.{member}", 0) if member else None

    def growing(self, run: Run) -> Deltas | None:
        """What a run of deltas adds to, where they are those of the one open block."""
        block, value = self._only, run.template.chunk
        if block is None or not block.grows_by(value):
            return None
        self.kind, self.block, self.delta = BLOCK_DELTA, block, value["delta"]["type"]
        return Deltas(block)

    def read_json(self, value: JsonObject) -> int:
        """Take the JSON of an event in whose framing is not of interest."""
        if value.get("error") and not is_content(value):
            return self._read_error(value, 0)
        return self._read_object(value, None, True)

    def _read_other(self, event: StreamEvent) -> int:
        self.kind, self.block, self.delta = "", None, ""
        if type(event) is ErrorPayload:
            if is_content(event.json):  # clients pass the error over
                sse = event.sse
                return _F.ERROR | self._read_object(event.json, sse.event if sse is not None else None, sse is None)
            name = event.sse.event if event.sse is not None else b"error"
            odd = _F.NAME if name != b"error" and event.json.get("type") == ERROR else 0
            return self._read_error(event.json, odd)
        if type(event) is Comment or type(event) is Done:
            return 0
        if event.sse is not None and event.sse.event == b"error":
            return self._read_error({}, 0)
        return self._after()

    def _read_error(self, value: JsonObject, odd: int) -> int:
        self.kind, self.block, self.delta = ERROR, None, ""
        odd |= self._after()
        if self.error is None and not self.stopped:
            self.error = value
        self._only = None
        return _F.ERROR | odd

    def _read_object(self, value: JsonObject, name: bytes | None, unnamed_is_fine: bool) -> int:
        self.block, self.delta, self.index.addressed = None, "", None
        kind = value.get("type")
        odd = 0
        if type(kind) is not str or not kind:
            kind = _NAMES.get(name or b"", "")
            odd = _F.NAME
        elif not unnamed_is_fine and name != _WIRE.get(kind):
            odd = _F.NAME if kind in _WIRE else 0
        self.kind = kind
        if kind == ERROR or (not kind and flat_error(value) is not None):
            return self._read_error(value, odd)
        facts = _KINDS.get(kind)
        if facts is None:
            return self._read_foreign(value, kind)
        if facts & _F.PING:
            return facts | odd
        if self.stopped or self.error is not None or self.lost:
            again = _F.AGAIN if kind == MESSAGE_STOP and self.stopped else 0
            self.other_answer = self.other_answer or (kind == MESSAGE_START and self._is_other(value))
            return facts | odd | again | (0 if again else self._after())
        if not self.begun:
            self.begun = True
            odd |= 0 if kind == MESSAGE_START else _F.UNOPENED
        odd |= self._take(kind, value)
        opened = self.open_blocks if kind in (BLOCK_START, BLOCK_STOP) else None
        if opened is not None:
            self._only = opened[0] if len(opened) == 1 and not self.endings else None
        return facts | odd

    def _read_foreign(self, value: JsonObject, kind: str) -> int:
        """An object that is no event of this API: another type, a chunk of another API, a whole message."""
        if kind == "message":
            return _F.WHOLE | Fact.MESSAGE | self._after()
        return (_F.UNKNOWN if kind else _F.FOREIGN) | self._after()

    def _after(self) -> int:
        """What came before, when nothing should come any more."""
        return (_F.AFTER_STOP if self.stopped else 0) | (_F.AFTER_ERROR if self.error is not None else 0)

    def _take(self, kind: str, value: JsonObject) -> int:
        if kind == BLOCK_DELTA:
            return self._take_delta(value)
        if kind == BLOCK_START:
            return self._open(value)
        if kind == BLOCK_STOP:
            return self._close(value)
        if kind == MESSAGE_START:
            return self._start(value)
        if kind == MESSAGE_DELTA:
            return self._end(value)
        self.stopped, self.stop = True, value
        self._only = None
        return 0

    def _start(self, value: JsonObject) -> int:
        message = value.get("message")
        if self.message is not None:
            if not self.other_answer and self._is_other(value):
                self.other_answer, self.index.earlier = True, len(self.blocks)
            return _F.AGAIN
        self.message = message if type(message) is dict else value
        self._use(self.message.get("usage"))
        return 0

    def _is_other(self, value: JsonObject) -> bool:
        """Whether a second message_start opens another message: by another id, once content has come."""
        held, again = as_object(self.message), as_object(value.get("message"))
        return any(block.deltas for block in self.blocks) and again.get("id") != held.get("id")

    def _end(self, value: JsonObject) -> int:
        self._only = None
        if len(self.endings) < 100:
            self.endings.append(value)
        reason = as_object(value.get("delta")).get("stop_reason")
        self.stop_reason = reason if reason is not None else self.stop_reason
        self._use(value.get("usage"))
        return _F.AGAIN if len(self.endings) > 1 else 0

    def _use(self, usage: Any) -> None:
        """The last message_delta over message_start, member by member."""
        self.usage.update({key: count for key, count in as_object(usage).items() if count is not None})

    # -- blocks ------------------------------------------------------------------------------------------------------

    def _open(self, value: JsonObject) -> int:
        start = as_object(value.get("content_block"))
        index, known = self.index.opening(value)
        if known is not None and known.open and known.same_call(start):
            self.block = known
            return _F.RESTARTED | (_F.INDEX if self.index.wrong_type else 0)
        odd = _F.INDEX if self.index.wrong else 0
        block = self._new(index, start)
        if block.kind not in BLOCK_TYPES:
            odd |= _F.UNKNOWN
        if start.get("signature"):
            block.signature = str(start["signature"])
        return odd | (_F.LATE if self.endings else 0)

    def _find(self, value: JsonObject) -> tuple[Block | None, int, int]:
        """The block that an event is about, the index it goes by, and what is odd about that."""
        index = self.index.of(value)
        odd = _F.INDEX if self.index.wrong_type else 0
        if index is None:
            return (self.blocks[-1] if self.blocks else None), self.index.next, odd
        return going_on(self.index.known.get(index), self.blocks), index, odd

    def _new(self, index: int, start: JsonObject, *, opened: bool = True) -> Block:
        block = self.block = Block(len(self.blocks), index, start, opened=opened)
        self.blocks.append(block)
        self.index.add(block)
        return block

    def _close(self, value: JsonObject) -> int:
        block, index, odd = self._find(value)
        if block is None:
            self._new(index, {}, opened=False).open = False
            return odd | _F.STRAY
        self.block = block
        if not block.open:
            return odd | _F.AGAIN
        block.open = False
        return odd | self._overlap(block) | (_F.LATE if self.endings else 0)

    def _overlap(self, block: Block) -> int:
        return _F.OVERLAP if block.opened and block.number < len(self.blocks) - 1 else 0

    def _take_delta(self, value: JsonObject) -> int:
        delta = as_object(value.get("delta"))
        odd = self._delta_kind(delta)
        block, index, found = self._find(value)
        odd |= found
        if block is None:
            block = self._new(index, {"type": _block_of(self.delta)}, opened=False)
            odd |= _F.STRAY
        elif not block.opened and not block.kind:  # only a stop came for it so far
            block.turn_into(DELTA_BLOCKS.get(self.delta, ""))
        elif not block.open and (meant := meant_by(self.delta, block, self.open_blocks, self.blocks[-1])) is not None:
            self.index.addressed, block = block, meant
            odd |= _F.MISFIT
        self.block = block
        if block.open:
            odd |= self._overlap(block)
        block.deltas += 1
        odd |= _ADDS.get(self.delta, 0) | (0 if block.open and not self.endings else _F.LATE)
        known = BLOCK_TYPES.get(block.kind)
        if known is None or self.delta in known.deltas:
            block.take(self.delta, delta)
        elif self.delta in DELTA_TYPES:
            odd |= _F.MISFIT
        return odd

    def _delta_kind(self, delta: JsonObject) -> int:
        """Work out the delta's type; what is odd about it."""
        kind = delta.get("type")
        odd = _F.EXTRA if extra_reasoning(delta) is not None else 0
        if type(kind) is not str or not kind:
            self.delta = next((MEMBER_DELTAS[key] for key in delta if key in MEMBER_DELTAS), "")
            return odd | _F.MEMBER
        self.delta = kind
        if kind not in DELTA_TYPES:
            return odd | _F.UNKNOWN
        member = DELTA_TYPES[kind]
        return odd | (_F.MEMBER if member is not None and type(delta.get(member)) is not str else 0)


def _block_of(delta: str) -> str:
    """The type of the block that nobody opened for a delta; "" where that is not known."""
    return "tool_use" if delta == "input_json_delta" else DELTA_BLOCKS.get(delta, "")


__all__ = ["ODD", "USAGE_TOKENS", "MessageFact", "MessageReader", "is_content"]
