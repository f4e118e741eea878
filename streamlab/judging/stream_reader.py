"""Reads a stream once, for whoever asks: which API it speaks, and of each event its facts and its tool calls.

The API is chosen once: the path of the request names it, or else the first JSON of the stream betrays it. Until it is
clear, events are held back, at most `PEEKED_EVENTS` of them; a stream that betrays nothing is taken for `DEFAULT`.
Where the path promised an API, the first JSON tells whether it is that which came: `foreign` is another one.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from streamlab.apis import DEFAULT, UNKNOWN, Api, api_of_bytes, api_of_head, api_of_json, api_of_path
from streamlab.exchange import Request, ResponseHead
from streamlab.judging.lessons import Lessons, Runs
from streamlab.rules.api import Tracker
from streamlab.wire import reading
from streamlab.wire.call_reader import CallReader
from streamlab.wire.events import Chunk, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.json_values import begun_value
from streamlab.wire.keepalives import is_dressed_as_delta, is_keepalive, says_nothing
from streamlab.wire.learnt import template_of
from streamlab.wire.reading import Fact, FactReader, Shape
from streamlab.wire.runs import Run, Template, TextKind
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.told_errors import told_error

#: Events held back at most while the API of a stream of unknown origin is not clear yet.
PEEKED_EVENTS = 16

#: Types of events that servers of any API send to keep a connection alive, or when something fails.
_ANYBODYS = frozenset({"ping", "keepalive", "heartbeat", "error"})


def _typed(value: Any, sse: ServerSentEvent | None) -> Any:
    """The JSON of an event; where it has no type, its event line tells that."""
    if sse is None or not sse.event or not isinstance(value, dict) or "type" in value:
        return value
    return {**value, "type": sse.event.decode("utf-8", "replace")}


def _api_of_event(value: Any, sse: ServerSentEvent | None) -> Api:
    """The API that the JSON of an event betrays."""
    found = api_of_json(value)
    return api_of_json(_typed(value, sse)) if found is UNKNOWN else found


def _is_anybodys(value: Any, sse: ServerSentEvent | None) -> bool:
    """Whether an event is one that servers of any API send, by its type or its name, or a keep-alive in the clothes of
    a chunk or of a delta, which gateways send in front of any."""
    kind = _kind(value, sse)
    if isinstance(kind, str) and kind in _ANYBODYS:
        return True
    if not isinstance(value, dict):
        return False
    hollow = value.get("choices") == [] and says_nothing(value)
    return hollow or is_keepalive(value) or is_dressed_as_delta(value)


def _kind(value: Any, sse: ServerSentEvent | None) -> Any:
    return _typed(value, sse).get("type") if isinstance(value, dict) else None


def _api_of_whole(value: Any) -> Api:
    """The API of a body that is an object, or an array of them."""
    return api_of_json(
        next((one for one in value if isinstance(one, dict)), None) if isinstance(value, list) else value
    )


def _api_of_start(start: bytes) -> Api:
    """The API of a body that breaks off, or of lines of which the first is cut."""
    for piece in (start, *start.lstrip().split(b"\n", PEEKED_EVENTS)[:PEEKED_EVENTS]):
        if (found := _api_of_whole(begun_value(piece))) is not UNKNOWN:
            return found
    return UNKNOWN


#: What came before an event.
AFTER = Fact.AFTER_FINISH | Fact.AFTER_DONE | Fact.AFTER_ERROR
#: What an event may have that serves as a template of runs: nothing that stands in few events of a stream.
_REPEATED = (
    Fact.CHUNK
    | Fact.FRAMING
    | Fact.LINES
    | Fact.ROLE
    | Fact.CONTENT
    | Fact.CONTENT_EMPTY
    | Fact.REASONING
    | Fact.REFUSAL
    | Fact.TOOL_CALLS
    | Fact.TEXT
    | Fact.LOGPROBS
    | Fact.WIDE
    | Fact.FRAGMENT
    | AFTER
)
UNLIKE = ~_REPEATED
#: A text in place of a delta may be the JSON of one.
_MAY_CALL = Fact.TOOL_CALLS | Fact.TEXT

Held = TypeVar("Held")


class StreamReader(Generic[Held]):
    """Reads the events of one stream. ``Held`` is what its user wants back of an event that was held back.

    ``api`` is UNKNOWN until `settled`. `read` gives the facts of an event and leaves its ``shape`` here; facts about
    what came before (``AFTER_FINISH``, …) are among them.
    """

    __slots__ = (
        "_after",
        "_done",
        "_facts",
        "_held",
        "_hint",
        "_lessons",
        "_objects",
        "_unasked",
        "api",
        "calls",
        "came",
        "promised",
        "riddle",
        "settled",
        "tracker",
    )

    def __init__(self, request: Request | None, api: Api | None = None, runs: Runs = Runs.USUAL) -> None:
        self.api = api or (api_of_path(request.url) if request is not None else UNKNOWN)
        self.settled = self.api is not UNKNOWN
        #: What reads events whose meaning hangs on those before; None where each chunk stands for itself.
        self.tracker: Tracker | None = self.api.tracker()
        #: The API that the path, or who asked, named; UNKNOWN where it had to be guessed.
        self.promised = self.api
        #: The API that the first JSON to betray one is of; UNKNOWN until then.
        self.came = UNKNOWN
        #: Whether there were JSON objects to tell by, and they are of no API known here.
        self.riddle = False
        self._unasked = PEEKED_EVENTS  # chunks that may still betray it
        #: All tool calls so far.
        self.calls = CallReader()
        self._facts = FactReader()
        self._after = 0
        self._objects = self._done = False  # whether objects were held back, and [DONE] or an error
        self._held: list[Held] = []
        self._hint = UNKNOWN  # the API of a ping, or of what came of a torn event, if no other event tells
        self._lessons = Lessons(runs)

    # -- which API -----------------------------------------------------------------------------------------------

    def look(self, value: Any, sse: ServerSentEvent | None = None) -> Api | None:
        """Look at an event's JSON, until one betrays of which API it is; `foreign`, as far as that is known.

        A ping betrays none: anybody may send it.
        """
        if self._unasked > 0 and isinstance(value, dict):
            self._unasked -= 1
            if not _is_anybodys(value, sse):
                self.come(_api_of_event(value, sse))
        return self.foreign

    def looks_foreign(self, event: StreamEvent) -> bool:
        """Whether an event, while such are looked at, shows that another API came than was promised."""
        return self._unasked > 0 and isinstance(event, Chunk) and self.look(event.json, event.sse) is not None

    def come(self, api: Api) -> None:
        """It is this API's answer that came, UNKNOWN where nothing tells."""
        if api is not UNKNOWN and self.came is UNKNOWN:
            self.came, self._unasked = api, 0

    def announced(self, head: ResponseHead | None, start: bytes) -> bool:
        """Take in what headers and a binary start tell; whether they tell of an API that is not judged here."""
        told = api_of_head(head)
        told = api_of_bytes(start) if told is UNKNOWN else told
        self.come(told)
        if told is not UNKNOWN and not self.settled:
            self.api = told
        return self.came is told and not told.judged and told is not UNKNOWN

    @property
    def looking(self) -> bool:
        """Whether events are still to be looked at."""
        return self._unasked > 0

    @property
    def known(self) -> Api:
        """The API that came, or was promised where nothing of it tells; UNKNOWN where `api` is a guess."""
        return self.came if self.came is not UNKNOWN else self.promised

    @property
    def foreign(self) -> Api | None:
        """The API that came where the path promised another one."""
        came = self.came
        return came if came is not UNKNOWN and self.promised.promises_other_than(came) else None

    def offer(self, held: Held, event: StreamEvent) -> bool:
        """Hold an event back while the API is not clear. True when it became clear with it: `settle` comes next."""
        self._held.append(held)
        self._objects = self._objects or isinstance(event, Chunk)
        self._done = self._done or isinstance(event, Done | ErrorPayload)
        value: Any = None
        if isinstance(event, Chunk | ErrorPayload):
            value = event.json
        elif isinstance(event, Undecodable) and event.decoded:
            value = event.value
        elif isinstance(event, Undecodable) and self._hint is UNKNOWN:
            self._hint = api_of_json(begun_value(event.sse.data or b""))
        found = _api_of_event(value, event.sse)
        if _is_anybodys(value, event.sse) and _kind(value, event.sse) != "error":  # tells only where nothing else does
            self._hint, found = found if self._hint is UNKNOWN else self._hint, UNKNOWN
        if found is not UNKNOWN:
            self.api = found
            self.come(found)
        return found is not UNKNOWN or len(self._held) >= PEEKED_EVENTS

    def leaves_open(self, event: StreamEvent, data: bytes) -> bool:
        """Whether this value breaks off, and what came of it tells no API, so that those behind it are to."""
        if self.settled or not isinstance(event, Undecodable) or event.decoded:
            return False
        return _api_of_start(data) is UNKNOWN

    def settle(self, value: Any = None, start: bytes = b"") -> list[Held]:
        """Decide, by the whole body ``value`` where no event told, or by the ``start`` of one that breaks off; what
        was held back, to be read now."""
        if self.api is UNKNOWN:
            self.api = _api_of_whole(value)
            if self.api is UNKNOWN and value is None and start.lstrip()[:1] in (b"{", b"["):
                self.api = _api_of_start(start)
            self.api = self._hint if self.api is UNKNOWN else self.api
            self.come(self.api)
        if self.api is UNKNOWN:
            self.riddle = self._tells_nothing(value)
            self.api = DEFAULT
        self.settled = True
        self.tracker = self.api.tracker()
        return self.give_up()

    def _tells_nothing(self, value: Any) -> bool:
        """Whether what came is JSON objects of no API known here. An error, or ``[DONE]``, may be of OpenAI's."""
        if isinstance(value, dict):
            return not (self._done or value.get("error")) and told_error(value) is None
        return self._objects and not self._done

    def give_up(self) -> list[Held]:
        """What is held back, without a decision."""
        held, self._held = self._held, []
        return held

    # -- events --------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """The shape of the last chunk read; () where it was too odd to have one."""
        return self._facts.shape

    def read(self, at: int, event: StreamEvent, offset_us: int | None = None) -> int:
        """The facts of event number ``at``, for one who judges tool calls."""
        facts = self.facts(event)
        if facts & _MAY_CALL and self.tracker is None and self.calls.read(at, event, offset_us):
            facts |= Fact.FRAGMENT
        after = self._after
        if facts & (Fact.FINISH | Fact.DONE | Fact.ERROR):
            self._note(facts)
            self.calls.note_end(event)
        return facts | after

    def facts(self, event: StreamEvent) -> int:
        """The facts that lie in an event itself."""
        facts = reading.kind_facts(event)
        if self.tracker is not None:
            sse = event.sse
            if facts & Fact.LINES and sse is not None and sse.named_plainly:
                facts &= ~(Fact.FRAMING | Fact.LINES)  # framed as APIs do that name their events
            facts |= self.tracker.read(event)
        elif facts & Fact.CHUNK:
            facts |= self._facts.read(event.json)  # type: ignore[union-attr]
        return facts

    def _note(self, facts: int) -> None:
        if facts & Fact.FINISH:
            self._after |= Fact.AFTER_FINISH
        if facts & Fact.DONE:
            self._after |= Fact.AFTER_DONE
        if facts & Fact.ERROR:
            self._after |= Fact.AFTER_ERROR

    # -- runs ----------------------------------------------------------------------------------------------------

    def may_teach(self, facts: int, anew: bool = False) -> bool:
        """Whether the event just read, which has these facts, is to serve as a template of runs; with it another
        envelope may begin ``anew``."""
        own = self.tracker.repeated if self.tracker is not None else 0
        if facts & UNLIKE & ~own or not self.settled or self.looking:
            return False
        return self._lessons.due(anew)

    def template(self, event: Chunk, facts: int, *, mends: bool = True) -> Template | None:
        """A template of the event just read; None where it cannot serve as one, for one who ``mends`` such events."""
        tracker = self.tracker
        if tracker is not None:
            varying = tracker.varying(event.json)
        else:
            varying = self.api.varying(event.json) if mends else self.api.repeated(event.json)
        template = template_of(event, varying) if varying is not None else None
        if template is not None and facts & Fact.FRAGMENT:
            template.continued = self.calls.continued()
            whole = template.continued is not None and template.varying.text is TextKind.ARGUMENTS
            template = template if whole else None
        self._lessons.taken(template)
        if template is not None:
            template.facts = facts & ~(AFTER | Fact.WIDE)
            template.shape, template.key = self.shape, self._facts.envelope
        return template

    def facts_of(self, run: Run) -> int | None:
        """The facts of the events of a run, as `read` would give them; None where that would tell them apart.

        Where bytes beyond ASCII stand in any of them, all are said to have some.
        """
        template = run.template
        if template.key is not self._facts.envelope:  # a chunk with another envelope came since
            return None
        self._lessons.served(template)
        self._facts.shape = template.shape
        return template.facts | self._after | (Fact.WIDE if run.wide else 0)
