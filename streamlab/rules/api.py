"""What an API says of itself: all that code outside its folder in ``apis/`` may know of it.

An API is one object of a subclass of `Api`. It is told from the others by the path of a request (`Api.owns_path`) or by
the first JSON of a stream (`Api.recognises`). What is judged and repaired in its streams are the rules and repairs that
concern it; a rule of every API asks the API at hand for what it needs to know, never for its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from streamlab.exchange import ResponseHead
from streamlab.rules.sources import Source
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import (
    REASONING_KEYS,
    choice_index,
    choices,
    content,
    delta,
    function,
    is_whole_completion,
    tool_calls,
)
from streamlab.wire.runs import Run, Varying

if TYPE_CHECKING:
    from streamlab.rules.repair import Draft, RepairState
    from streamlab.rules.request import RequestReading
    from streamlab.wire.stamps import Stamp


class Scope(Enum):
    """Whom a rule or a repair concerns, where that is not the API in whose folder it lies."""

    EVERY = "every API, also those whose promises are not known here"
    JUDGED = "every API whose promises are known here"
    OPENAI = "OpenAI's APIs whose promises are known here"
    CHUNKS = "those of OpenAI's APIs that stream chunks with choices, up to [DONE]"


class Growing(Protocol):
    """What the events of a run add their texts to."""

    def extend(self, texts: list[str]) -> None:
        """Take in the texts of all of them."""


class Tracker(Protocol):
    """Reads the events of one stream whose meaning hangs on those before; ``read`` gives an event's facts."""

    @property
    def repeated(self) -> int:
        """Facts of its own that an event may have which serves as a template of runs."""

    @property
    def finished(self) -> bool:
        """Whether the answer has said why it stops."""

    def read(self, event: StreamEvent) -> int:
        """Take the next event in; its facts, beside those that every API has."""

    def varying(self, value: JsonObject) -> Varying | None:
        """What changes from the event just read to those that are like it; None where none can be."""

    def growing(self, run: Run) -> Growing | None:
        """What a run adds to, where each of its events means what its template did; it is read by that alone."""


class Judged(Enum):
    """What becomes of a text that repairs would look at."""

    STOPS = "they may change it"
    PASSES = "they let it pass"
    ALL_PASS = "they let it pass, and all behind it in a row, whatever these say"


Judge = Callable[[str], Judged]


class Follower(Protocol):
    """Looks, in a stream that goes as a clean one before it went, at what repairs would look at."""

    def event(self, chunk: JsonObject, values: dict[str, str]) -> bool:
        """Whether they let the next event pass, which is ``chunk`` but for ``values``, by their paths."""

    def goes_on(self, chunk: JsonObject) -> bool:
        """Whether events like this one, with other texts, may come next."""

    def judge(self, varying: Varying) -> Judge:
        """What is to be asked about each text in a row; whom it stopped goes no further."""


class Api:
    """One protocol. Subclasses set the class attributes; there is one object of each (``apis/known``)."""

    #: As it is printed, and as ``--api`` takes it.
    name: ClassVar[str]
    #: What people call it.
    title: ClassVar[str] = ""
    #: Whether it is a protocol that answers what chat answers, in another way.
    foreign: ClassVar[bool] = True
    #: Whose promises its streams are held to, as in "as OpenAI sends it".
    vendor: ClassVar[str] = ""
    #: Whether those promises are known here, so that a stream without findings may be called conforming.
    judged: ClassVar[bool] = False
    #: Folders of other APIs some of whose rules and repairs concern it too.
    borrows: ClassVar[tuple[str, ...]] = ()
    #: Ends of the paths by which it is asked; what is in front of them (``/v1``, ``/openai/deployments/x``) is the
    #: server's affair. The longest end of all APIs decides.
    path_ends: ClassVar[tuple[str, ...]] = ()
    #: The path to ask it by, where an exchange names none.
    path: ClassVar[str] = "/v1/chat/completions"
    #: Where people keep the key for it.
    key_variable: ClassVar[str] = "OPENAI_API_KEY"
    #: Whether ``data: [DONE]`` ends its streams.
    ends_with_done: ClassVar[bool] = False
    #: Types of the events that end an answer, and of those that may still follow.
    ending_types: ClassVar[frozenset[str]] = frozenset()
    #: Types of the events that it sends to keep a connection alive.
    keepalive_types: ClassVar[frozenset[str]] = frozenset()
    #: Whether rules of its own tell of pings that are not its own.
    tells_pings: ClassVar[bool] = False
    #: Whether its events name their type in an ``event:`` field.
    names_events: ClassVar[bool] = False
    #: Whether its clients go by that field, so that an event without it is lost.
    read_by_name: ClassVar[bool] = False
    #: Whether a rule of its own tells of an event named ``error`` whose data is no JSON object, whatever it is instead.
    tells_broken_errors: ClassVar[bool] = False
    #: Whether tools run while an answer is streamed, and its last events hold the whole answer once more: silence
    #: and long lines are by design.
    works_meanwhile: ClassVar[bool] = False
    #: Whether JSON values in a row, without the framing of an event stream, are its stream.
    sends_bare_values: ClassVar[bool] = False
    #: Whether two of its streams are compared event by event as they are; beside another API's they are translated.
    compared_natively: ClassVar[bool] = False
    #: An HTTP error body in short, for messages.
    error_body: ClassVar[str] = '{"error": {"message": "...", "type": "...", "param": null, "code": null}}'
    #: How its streams begin, and what the shortest holds, in short, for messages.
    stream_start: ClassVar[str] = "data: {...}"
    shortest_stream: ClassVar[str] = "an event stream"
    #: Where it is written how its answers are streamed and what its errors are; None where that is not known here.
    streaming: ClassVar[Source | None] = None
    errors: ClassVar[Source | None] = None
    #: Names by which to ask for some of its clients (`clients.table`).
    known_clients: ClassVar[tuple[str, ...]] = ()
    #: The silence from which a stall is worth a warning, where pings and comments break it, and from which a client
    #: gives up; None: as for chat, seconds, which comments do not break.
    stall_us: ClassVar[int | None] = None
    gives_up_us: ClassVar[int | None] = None

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Api {self.name}>"

    def __eq__(self, other: object) -> bool:
        """Equal to itself and to its name, so that a report's ``api`` compares with what ``--api`` takes."""
        return self is other or (isinstance(other, str) and other == self.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> str:
        return "API"  # each module with a subclass holds its one object under this name

    @property
    def asked_as(self) -> str:
        """The name under which the tables of clients tell of it; "" where it is not known which API it is."""
        return self.name

    @property
    def folder(self) -> str:
        """The name of its folder in ``apis/``."""
        return type(self).__module__.split(".")[2]

    def owns_path(self, path: str) -> bool:
        """Whether a path is its own for another reason than its end."""
        return False

    def recognises(self, value: JsonObject) -> bool:
        """Whether this object is of its stream, or its whole answer. APIs are asked in the order of ``APIS``."""
        return False

    def recognises_head(self, head: ResponseHead) -> bool:
        """Whether the headers of a response announce its stream."""
        return False

    def recognises_bytes(self, start: bytes) -> bool:
        """Whether a body that is no text starts as its streams do."""
        return False

    @property
    def not_judged(self) -> str:
        """Why no rules of its own ran over an answer, in a phrase."""
        return f"a foreign protocol: {self.title or self.name}" if self.foreign else self.title or self.name

    def promises_other_than(self, found: Api) -> bool:
        """Whether an answer in ``found``'s protocol breaks the promise that this API's path makes."""
        if not self.judged or found is self or not found.name or found.name == "unknown":
            return False
        return not (self.ends_with_done and found.judged and found.ends_with_done)

    def foreign_rule(self, found: Api | None) -> str:
        """The rule that tells of an answer in ``found``'s protocol where this API's path promises its own."""
        return "foreign-protocol"

    def asks_for_stream(self, body: JsonObject, url: str) -> bool:
        """Whether a request asks for a stream. Some APIs say so in the path instead."""
        return body.get("stream") is True or ":stream" in url

    def asks_for_events(self, url: str) -> bool:
        """Whether a request for a stream asks for an event stream, and not for bare JSON that grows."""
        return not self.sends_bare_values

    def streamed(self, value: JsonObject, state: RepairState) -> Iterable[Draft] | None:
        """The events that a whole answer would have been as a stream; None where this is no whole answer of it."""
        return None

    def tracker(self) -> Tracker | None:
        """What reads events whose meaning hangs on those before; None where each chunk stands for itself."""
        return None

    def ended_as_failed(self, tracker: Any) -> bool:
        """Whether the event that ends an answer said that it failed, whatever came behind that."""
        return False

    def fold(self, tracker: Any) -> Any:
        """What folds a stream into what a client would hold; it may look at what the tracker knows."""
        return Accumulator()

    def texts(self, value: JsonObject) -> Iterable[tuple[Any, str, str]]:
        """The texts an event adds: whose it is, the text, and the member that holds it."""
        for place, choice in enumerate(choices(value)):
            inner, index = delta(choice), choice_index(choice)
            legacy = choice.get("text")
            if text := content(inner):
                yield index, text, f"choices[{place}].delta.content"
            elif type(legacy) is str and legacy:
                yield index, legacy, f"choices[{place}].text"
            for key in REASONING_KEYS:
                if type(inner.get(key)) is str:
                    yield (index, key), inner[key], f"choices[{place}].delta.{key}"
            for at, call in enumerate(tool_calls(inner)):
                arguments = function(call).get("arguments")
                if type(arguments) is str:
                    path = f"choices[{place}].delta.tool_calls[{at}].function.arguments"
                    yield (index, "call", str(call.get("index"))), arguments, path

    def repeated(self, chunk: JsonObject) -> Varying | None:
        """The same for one who only judges what came."""
        return self.varying(chunk)

    def varying(self, chunk: JsonObject) -> Varying | None:
        """The strings that change from chunk to chunk while all else stays, so that it may be the template of a run."""
        return None

    def stamps(self, chunk: JsonObject) -> dict[str, Stamp]:
        """Members of a chunk, by their paths, whose values differ between streams that go alike, but for its text."""
        return {}

    def follower(self, asked: RequestReading) -> Follower | None:
        """What looks at a stream that goes as one before it went; None where repairs look at every stream."""
        return None

    def is_error_body(self, value: JsonObject) -> bool:
        """Whether this is the body of an HTTP error as the API sends it."""
        error = value.get("error")
        return type(error) is dict and type(error.get("message")) is str

    def error_type(self, status: int) -> str:
        """The type of an error with this status, where nobody says a better one."""
        return "invalid_request_error" if 400 <= status < 500 else "server_error"

    def error_answer(self, error: JsonObject) -> JsonObject:
        """The body of an HTTP error; ``error`` has OpenAI's four members, and may have more."""
        return {"error": error}

    def is_whole_answer(self, value: JsonObject) -> bool:
        """Whether this is an answer as it comes when no stream was asked for."""
        return is_whole_completion(value)

    def wants_a_look(self, event: Chunk, facts: int, state: RepairState) -> bool:
        """Whether the repairs have to see a chunk for whose facts none of them waits."""
        return False

    def wants_a_look_at(self, run: Run, state: RepairState) -> bool:
        """The same of a run of chunks, the first of which was asked about and passed."""
        return True

    def unseen(self, run: Run, state: RepairState) -> int:
        """How long the text of events may be that are like a run which just passed, so that nobody wants a look at them
        (`Repair.unseen`); 0 where that cannot be said."""
        return 0

    def run_passed(self, run: Run, state: RepairState) -> None:
        """Remember what repairs need to know of a run that passed them by."""

    def passed(self, chunk: JsonObject, state: RepairState) -> None:
        """Remember what repairs need to know of a chunk that passed them by."""

    def went_out(self, chunk: JsonObject, state: RepairState) -> None:
        """Remember what repairs need to know of a chunk that they let go."""

    def credentials(self, key: str | None) -> dict[str, str]:
        """The headers with which its clients ask, with this key."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def questions(self) -> Iterable[Any]:
        """What ``streamlab probe`` asks a server that speaks it (``apis/question.py``)."""
        return ()

    def translator(self) -> type[Any] | None:
        """What turns its stream into chat chunks (a ``Translator`` class); None where nothing does."""
        return None


def concerns(one: type[Any], api: Api) -> bool:
    """Whether a rule or repair concerns an API: by its ``apis``, a scope or names; None means that of its folder."""
    return in_scope(one.apis, one.__module__, api)


def in_scope(scope: Scope | Set[str] | None, module: str, api: Api) -> bool:
    """Whether what lies in a module, for this scope or the APIs of these names, concerns an API."""
    if scope is Scope.EVERY:
        return True
    if scope is Scope.JUDGED:
        return api.judged
    if scope is Scope.OPENAI:
        return api.judged and api.vendor == "OpenAI"
    if scope is Scope.CHUNKS:
        return api.judged and api.ends_with_done
    if scope is None:
        return module.startswith(f"streamlab.apis.{api.folder}.")
    return api.name in scope
