"""An event stream decoded in runs, where its events are like some that were read before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamlab.wire.runs import Run, Template
from streamlab.wire.sse import ServerSentEvent, SSEDecoder, parse_event

_TEMPLATES = 4


class RunDecoder(SSEDecoder):
    """An `SSEDecoder` that takes runs of events that are like its ``templates``."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(start)
        self.templates: list[Template] = []

    def learn(self, template: Template) -> None:
        """Look out for events like this one."""
        others = [one for one in self.templates if not one.equals(template)]
        self.templates = [template, *others[: _TEMPLATES - 1]]

    def take(self, data: bytes) -> list[ServerSentEvent | Run]:
        """The events that ``data`` completes, and runs of them."""
        if not self.templates:
            return self.feed(data)  # type: ignore[return-value]
        data = self._ready(data)
        return list(self._taken(data)) if data else []

    def take_runs(self, data: bytes, take: Callable[[Run], bool]) -> int:
        """Hand the runs that ``data`` begins with, behind what is held back, to ``take`` until it says no; how many
        bytes of ``data`` those were that it took. All others are to be fed as usual."""
        pending, done = len(self._pending), 0
        buffer = bytes(self._pending) + data if pending else data
        while done < len(buffer):
            run = self._match(buffer, done, self._start)
            if run is None or done + len(run.raw) <= pending or not take(run):
                break
            done += len(run.raw)
            self.skip(len(run.raw))
        return done - pending if done else 0

    def skip(self, size: int) -> None:
        """Go on behind the next ``size`` bytes, what is held back among them, with which an event ends."""
        self._pending.clear()
        self._start += size
        self._next_event(0)

    def each(self, data: bytes) -> Iterator[ServerSentEvent | Run]:
        """What `take` gives, one by one, so that what is learnt of one serves from the next on. It has to be taken to
        the last before anything else is asked for."""
        data = self._ready(data)
        return self._taken(data)

    def _taken(self, buffer: bytes) -> Iterator[ServerSentEvent | Run]:
        at, base = 0, self._start
        while at < len(buffer):
            run = self._match(buffer, at, base + at)
            if run is not None:
                at += len(run.raw)
                self._next_event(at)
                yield run
                continue
            end = self._find_end(buffer, at)
            if end < 0:
                break
            event = parse_event(buffer[at:end], base + at)
            at = end
            self._next_event(at)
            yield event
        self._keep(buffer, at)

    def _match(self, buffer: bytes, at: int, start: int) -> Run | None:
        for template in self.templates:
            run = template.match(buffer, at, start)
            if run is not None:
                if template is not self.templates[0]:
                    self.templates.remove(template)
                    self.templates.insert(0, template)
                return run
        return None
