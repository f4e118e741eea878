"""One machine with runs and without: what it says of a stream must be the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamlab.comparing.event_diff import Differ
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.judging.lessons import Runs
from streamlab.repairing.normalizer import Normalizer


def assert_alike(said: Callable[[Runs], object]) -> None:
    """What is said event by event is said where events like one before are taken together."""
    one_by_one = said(Runs.OFF)
    for runs in (Runs.EAGER, Runs.USUAL):
        assert said(runs) == one_by_one, runs


class Stream:
    """A stream as it came, for each machine that reads it."""

    def __init__(
        self,
        reads: Sequence[bytes],
        request: Request | None,
        head: ResponseHead | None,
        ending: Ending = Ending.COMPLETE,
    ) -> None:
        self._reads, self._request, self._head, self._ending = reads, request, head, ending

    def normalized(self, runs: Runs, unsafe: bool = False) -> tuple[object, ...]:
        """The bytes that go out, and what is kept of the repair."""
        normalizer = Normalizer(self._request, self._head, runs=runs, unsafe=unsafe)
        out = [*map(normalizer.feed, self._reads), normalizer.finish(self._ending)]
        story = normalizer.state
        return out, normalizer.changes, normalizer.unrepaired, story.account.dropped, story.chunks, story.last

    def accounted(self, runs: Runs, unsafe: bool = False) -> tuple[object, ...]:
        """The events that go out, and where they come from."""
        normalizer = Normalizer(self._request, self._head, runs=runs, unsafe=unsafe)
        out = [one for data in self._reads for one in normalizer.feed_events(data)]
        out += normalizer.finish_events(self._ending)
        return repr(out), normalizer.changes, normalizer.unrepaired, repr(normalizer.state.account.dropped)

    def compared(self, runs: Runs) -> tuple[str, int]:
        """The differences to what OpenAI would have sent."""
        differ = Differ(self._request, self._head, runs=runs)
        diffs = [diff for data in self._reads for diff in differ.feed(data)]
        diffs += differ.finish(self._ending)
        return repr(diffs), differ.events
