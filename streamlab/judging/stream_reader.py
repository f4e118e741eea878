"""Reads a stream once, for whoever asks: which API it speaks, and of each event its facts and its tool calls.

The API is chosen once: the path of the request names it, or else the first JSON of the stream betrays it. Until it is
clear, events are held back, at most `PEEKED_EVENTS` of them; a stream that betrays nothing is taken for `DEFAULT`.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from streamlab.apis import DEFAULT, UNKNOWN, Api, api_of_json, api_of_path
from streamlab.exchange import Request
from streamlab.rules.api import Tracker
from streamlab.wire import reading
from streamlab.wire.call_reader import CallReader
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.reading import Fact, FactReader, Shape

#: Events held back at most while the API of a stream of unknown origin is not clear yet.
PEEKED_EVENTS = 16

Held = TypeVar("Held")


class StreamReader(Generic[Held]):
    """Reads the events of one stream. ``Held`` is what its user wants back of an event that was held back.

    ``api`` is UNKNOWN until `settled`. `read` gives the facts of an event and leaves its ``shape`` here; facts about
    what came before (``AFTER_FINISH``, …) are among them.
    """

    __slots__ = ("_after", "_facts", "_held", "api", "calls", "settled", "tracker")

    def __init__(self, request: Request | None, api: Api | None = None) -> None:
        self.api = api or (api_of_path(request.url) if request is not None else UNKNOWN)
        self.settled = self.api is not UNKNOWN
        #: What reads events whose meaning hangs on those before; None where each chunk stands for itself.
        self.tracker: Tracker | None = self.api.tracker()
        #: All tool calls so far.
        self.calls = CallReader()
        self._facts = FactReader()
        self._after = 0
        self._held: list[Held] = []

    # -- which API -----------------------------------------------------------------------------------------------

    def offer(self, held: Held, event: StreamEvent) -> bool:
        """Hold an event back while the API is not clear. True when it became clear with it: `settle` comes next."""
        self._held.append(held)
        value: Any = None
        if isinstance(event, Chunk | ErrorPayload):
            value = event.json
        elif isinstance(event, Undecodable) and event.decoded:
            value = event.value
        found = api_of_json(value)
        if found is not UNKNOWN:
            self.api = found
        return found is not UNKNOWN or len(self._held) >= PEEKED_EVENTS

    def settle(self, value: Any = None) -> list[Held]:
        """Decide, by the whole body ``value`` where no event told; what was held back, to be read now."""
        if self.api is UNKNOWN:
            self.api = api_of_json(value)
        if self.api is UNKNOWN:
            self.api = DEFAULT
        self.settled = True
        self.tracker = self.api.tracker()
        return self.give_up()

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
        if facts & Fact.TOOL_CALLS and self.tracker is None and self.calls.read(at, event, offset_us):
            facts |= Fact.FRAGMENT
        after = self._after
        if facts & (Fact.FINISH | Fact.DONE | Fact.ERROR):
            self._note(facts)
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
