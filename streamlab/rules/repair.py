"""What a repair is: the incremental change that removes a deviation; and what it works on.

Repairs form a pipeline in the order of their ``stage``. An event that no repair waits for is passed on as it came,
byte for byte. One that a repair waits for becomes a `Draft`, which every repair from then on may change, drop, hold
back or follow with others; each change is noted, so that every byte of the output can be accounted for.

A repair waits for facts (``on``, see wire/reading.py), for shapes (``shape``), or, while it holds something back or
has found that every event needs it, for everything (``awake``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, ClassVar, Final

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.record import Record
from streamlab.rules.account import (
    ABSENT,
    MAX_DROPPED,
    WHOLE,
    Account,
    Change,
    Dropped,
    Origin,
    Unrepaired,
)
from streamlab.rules.api import Api, Scope
from streamlab.rules.state import StreamState
from streamlab.rules.texts import Texts
from streamlab.wire import reading
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.hollow import NoAnswer
from streamlab.wire.json_values import as_it_is
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import LONGEST, Run, TextKind, Varying
from streamlab.wire.stream import last_of


class Stage(IntEnum):
    """The order of repairs: what a later stage reads, an earlier one has mended."""

    FRAMING = 0
    PAYLOAD = 10
    ERROR = 20
    ENVELOPE = 30
    CHOICE = 40
    DELTA = 50
    TOOL_CALL = 60
    CLOSING = 70
    END = 80


#: A longer event is not repaired: there, and behind it, bytes go out as they came.
MAX_EVENT = 8 * 1024 * 1024
#: From this length on a text that repeats all text before it is no coincidence.
SHORTEST_REPEAT = 8


class RepairState(StreamState):
    """What repairs know of the exchange so far."""

    def __init__(self, request: Request | None, head: ResponseHead | None, api: Api, *, unsafe: bool = False) -> None:
        super().__init__(request, head, api)
        self.unsafe = unsafe
        self.account = Account()
        self.texts = Texts()
        self.chunks = 0
        self.errors = 0
        self.done = self.audio = self.cut_tail = False
        self.calling: Counter[int] = Counter()  # choice -> its tool calls
        self.finished: dict[int, str] = {}
        self.opened: set[int] = set()
        self.calls_open = False  # whether the arguments of a call are no whole JSON object, or nothing
        self.restarted_at = -1  # the event with which the answer started over
        self.went: JsonObject | Run | None = None  # the last chunk that went out, or the run that it is the last of
        self.no_answer = NoAnswer()

    @property
    def calls(self) -> int:
        """How many tool calls came, of all choices."""
        return sum(self.calling.values())

    @property
    def last(self) -> JsonObject | None:
        """The last chunk that went out, for its envelope."""
        went = self.went
        if type(went) is Run:
            went = self.went = last_of(went)
        return went  # type: ignore[return-value]

    @property
    def at(self) -> int:
        """The number of the input event being repaired."""
        return self.account.at


#: Of an event that is not to be passed by anybody: it has whatever fact one waits for.
ANYTHING: Final = -1
#: Characters that may pass unseen in a row.
MOST_UNSEEN = 64_000


class Added:
    """What chunks add that do nothing but add text: ``chunk`` is one of them, ``texts`` has the text of each.

    ``fragment`` is the fragment of a tool call that adds it; empty where none does.
    """

    __slots__ = ("_text", "chunk", "fragment", "texts", "varying")

    def __init__(self, varying: Varying, chunk: JsonObject, texts: list[str]) -> None:
        self.varying = varying
        self.chunk = chunk
        self.texts = texts
        self.fragment = reading.fragment(chunk) if varying.text is TextKind.ARGUMENTS else {}
        self._text: str | None = None

    @property
    def text(self) -> str:
        """Its texts as one."""
        if self._text is None:
            self._text = "".join(self.texts)
        return self._text


class Draft:
    """An event on its way. ``sources``: the input events it is of; ``line``: its event: line as it came, or ABSENT."""

    __slots__ = ("changes", "event", "invented", "line", "sources")

    def __init__(
        self, event: StreamEvent, sources: tuple[int, ...], changes: list[Change] | None = None, invented: bool = False
    ) -> None:
        self.event = event
        self.sources = sources
        self.changes: list[Change] = changes if changes is not None else []
        self.invented = invented
        self.line: Any = event.sse.event if event.sse is not None else ABSENT

    @property
    def json(self) -> JsonObject:
        """The JSON of a chunk or an error event; change it only together with a `note`."""
        assert isinstance(self.event, Chunk | ErrorPayload)
        return self.event.json

    @property
    def is_chunk(self) -> bool:
        return type(self.event) is Chunk

    @property
    def came_named(self) -> bytes:
        """The name that the event had when it came, in lower case; empty when it had none."""
        named: Any = next((change.was for change in self.changes if change.rule == "sse-event-name-on-chat"), None)
        if named is None and self.event.sse is not None:
            named = self.event.sse.event
        return named.strip().lower() if isinstance(named, bytes) else b""

    def note(self, rule: str, path: str, was: Any = ABSENT, now: Any = ABSENT, origin: Origin = Origin.DERIVED) -> None:
        """Write down a change and let go of the original bytes."""
        self.changes.append(Change(rule, path, was, now, origin))
        event = self.event
        if event.sse is not None and isinstance(event, Chunk | ErrorPayload):
            self.event = type(event)(None, event.json, event.faults)

    def put(
        self, rule: str, holder: JsonObject, key: str, value: Any, path: str, origin: Origin = Origin.DERIVED
    ) -> None:
        """Set a member of the chunk."""
        was = as_it_is(holder.get(key, ABSENT))
        holder[key] = value
        self.note(rule, f"{path}{key}", was, as_it_is(value), origin)

    def drop(self, rule: str, holder: JsonObject, key: str, path: str) -> None:
        """Remove a member of the chunk."""
        self.note(rule, f"{path}{key}", holder.pop(key, ABSENT), ABSENT)

    def like(self, rule: str, choice: JsonObject, path: str, origin: Origin = Origin.DERIVED) -> Draft:
        """A new chunk with this one's envelope and the one given choice."""
        payload = {key: value for key, value in self.json.items() if key in ENVELOPE_KEYS}
        payload["choices"] = [choice]
        before = [change for change in self.changes if change.path in ENVELOPE_KEYS]
        return Draft(Chunk(None, payload), self.sources, [*before, Change(rule, path, ABSENT, ABSENT, origin)])


ENVELOPE_KEYS = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
Drafts = Iterable[Draft]


class Repair:
    """A repair; state lives for one stream. Subclasses set the class attributes and implement the hooks they need.

    ``rules`` are the rules whose deviations it removes. ``holds_back`` says in words what it may hold back and for
    how long; "" when it never does. ``safe`` is False where the change needs a guess: it then runs only on request.
    """

    rules: ClassVar[tuple[str, ...]] = ()
    safe: ClassVar[bool] = True
    stage: ClassVar[Stage]
    on: ClassVar[int] = 0
    holds_back: ClassVar[str] = ""
    #: Whether it takes text for a mistake by what it says. Text that a translator made is what the upstream said.
    doubts_text: ClassVar[bool] = False
    #: Whom it concerns: a scope, names of APIs, or None for the API in whose folder it lies.
    apis: ClassVar[Scope | frozenset[str] | None] = None

    #: Facts by which an event as it came, a chunk of a known shape or [DONE], is something to it although it does not
    #: wait for it: another passes, and nothing is remembered of it. Of that it is not asked, though others are.
    minds: int = ANYTHING

    #: Whether, awake, it may let runs of events pass (`passes_run`).
    takes_runs: ClassVar[bool] = False

    _held: Any = None  # what is held back, where a repair keeps it under this name

    def __init__(self, state: RepairState) -> None:
        self.state = state
        self.awake = False
        self.asks = self.on  # what is left of `on`
        self.comments: list[Draft] = []  # that came while something was held back

    @property
    def done(self) -> bool:
        """Whether it has seen that nothing of the answer is outstanding."""
        return False

    @property
    def holding(self) -> bool:
        """Whether an event is held back, so that a comment has to wait for it."""
        return bool(self._held)

    def retire(self) -> None:
        """Nothing more to look for in this stream."""
        self.asks, self.awake = 0, False
        self.state.retirements += 1

    def shape(self, chunk: JsonObject) -> bool:
        """Whether chunks of this shape (key names and value types only) concern this repair."""
        return False

    def passes(self, added: Added) -> bool:
        """Whether chunks for whose facts it waits do not need it: each would come out as it came."""
        return False

    def passed(self, added: Added) -> None:
        """Remember what it needs to know of chunks that passed."""

    def passes_run(self, run: Run) -> bool:
        """Whether each event of a run would come out as it came; asked while it is awake."""
        return False

    def run_passed(self, run: Run) -> None:
        """Remember what it needs to know of a run that passed while it was awake."""

    def unseen(self, added: Added) -> int:
        """How long the text of chunks may be that are like some which just passed, so that each would whatever it says,
        but for quotes, backslashes and control characters; 0 where each is to be asked about."""
        return 0

    def event(self, draft: Draft) -> Drafts:
        """What becomes of one event: usually itself, changed or not."""
        return (draft,)

    def end(self, ending: Ending) -> Drafts:
        """The stream is over: what was held back, and what has to be added."""
        return ()

    def release(self) -> Drafts:
        """Give up holding back, because nothing has come for a while."""
        return ()


def error_event(message: str, code: str, kind: str = "upstream_error") -> ErrorPayload:
    """An error event as OpenAI shapes it."""
    return ErrorPayload(None, {"error": {"message": message, "type": kind, "param": None, "code": code}})


class Unended(Record, frozen=True):
    """Why a stream has no end: the rule about it, and the message and code of the error event that says so."""

    rule: str
    message: str
    code: str


def unended(state: RepairState, ending: Ending, *, begun: bool, what: str, missing: str, stops: str) -> Unended:
    """Why a stream of ours stops before its end, which the account is told as well.

    ``begun`` says whether anything came of ``what`` ("answer", "response"); ``missing`` is the rule about its end, and
    ``stops`` how the account words that.
    """
    if ending is not Ending.COMPLETE:
        state.account.cannot("truncated-chunked-body", "the connection broke; the rest is not on the wire", WHOLE)
        message = f"the connection to the upstream broke before the {what} was finished"
        return Unended("truncated-chunked-body", message, "upstream_truncated")
    if begun:
        state.account.cannot(missing, f"the stream stops {stops}; the rest is not on the wire", WHOLE)
        return Unended(missing, f"the upstream ended the stream without finishing the {what}", "upstream_truncated")
    if said := state.no_answer.said:
        rule = "html-body-200" if said.startswith(b"<") else "body-not-event-stream"
        state.account.cannot(rule, "nothing in it is an event that says anything", WHOLE)
        message = f"the upstream answered with something else: {said.decode('utf-8', 'replace')[:200]}"
        return Unended(rule, message, "upstream_invalid_response")
    state.account.cannot("empty-200", "no answer is on the wire", WHOLE)
    return Unended("empty-200", "the upstream ended the stream without an answer", "empty_stream")


__all__ = [
    "ABSENT",
    "ANYTHING",
    "LONGEST",
    "MAX_DROPPED",
    "MOST_UNSEEN",
    "WHOLE",
    "Added",
    "Change",
    "Chunk",
    "Comment",
    "Done",
    "Draft",
    "Drafts",
    "Dropped",
    "ErrorPayload",
    "Origin",
    "Repair",
    "RepairState",
    "Stage",
    "StreamEvent",
    "Undecodable",
    "Unrepaired",
    "error_event",
    "unended",
]
