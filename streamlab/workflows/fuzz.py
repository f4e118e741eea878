"""A command against a capture: does it come to another end when the same stream is cut elsewhere, or breaks off?

What is looked for is the smallest variation that changes the outcome. That a command complains when a stream does not
come to its proper end is no news, however little is missing: it is what it ought to do. News is another exit code than
then, another output without a complaint, or a command that hangs.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamlab.errors import CouldNotRunError, UsageError
from streamlab.exchange import Exchange
from streamlab.playback.faults import Action, Faults, parse_faults
from streamlab.playback.faulty import faulty
from streamlab.playback.shrinking import Shrinker
from streamlab.playback.variations import Break, at_once, broken_off, cut_at, event_ends, place
from streamlab.wire.visible import visible
from streamlab.workflows.trial import Budget, CommandUnderTest, Outcome, StoppedError, Told

FORMAT = "streamlab.fuzz/1"

_RANDOM_CUTTINGS = 4
#: A body beyond this is not sent byte by byte.
_MAX_BYTEWISE = 64 * 1024


@dataclass(frozen=True, slots=True)
class ChangedOutcome:
    """A variation that changes the outcome: what it is in words, the exchange to play, and what came of it. ``also``
    are the other ways to break off at the same place that come to the same."""

    kind: str  # "cut up", a Break, or a fault
    description: str
    exchange: Exchange
    outcome: Outcome
    also: tuple[str, ...] = ()

    def told(self) -> str:
        """What was done, in words."""
        if not self.also:
            return self.description
        return " or ".join((self.kind, *self.also)) + self.description.removeprefix(self.kind)


@dataclass(slots=True)
class Fuzzed:
    """What was found, the smallest of each kind, mildest kind first; ``complete`` says whether there was time for all
    of it. ``code_only`` is set when the output of the command changes by itself and could not be compared. ``noticed``
    are the breaks that the command complains about even where nothing but the proper end is missing."""

    before: Outcome
    found: list[ChangedOutcome] = field(default_factory=list)
    complete: bool = False
    code_only: bool = False
    runs: int = 0
    noticed: dict[str, Outcome] = field(default_factory=dict)

    def add(self, found: Sequence[ChangedOutcome]) -> None:
        """Keep what a search has found; what comes to the same at the same place is not listed twice."""
        for one in found:
            for at, before in enumerate(self.found):
                if before.exchange.body == one.exchange.body and _alike(before.outcome, one.outcome):
                    self.found[at] = replace(before, also=(*before.also, one.kind))
                    break
            else:
                self.found.append(one)

    @property
    def smallest(self) -> ChangedOutcome | None:
        """The mildest of all that change the outcome."""
        return self.found[0] if self.found else None

    def lines(self) -> list[str]:
        """For people; safe to print."""
        said = [f"undisturbed: {self.before}"]
        for one in self.found:
            said.append(f"{one.told()}: {one.outcome}")
            if not self.code_only and one.outcome.stdout != self.before.stdout:
                said += _output_difference(self.before.stdout, one.outcome.stdout)
        if self.code_only:
            said.append("(the output changes by itself from run to run: only exit codes were compared)")
        if self.noticed:
            codes = ", ".join(f"{kind}: {outcome}" for kind, outcome in self.noticed.items())
            said.append(f"(it notices when the proper end is missing, as it should: {codes})")
        if not self.found:
            said.append("no cut and no break changed the outcome" if self.complete else "nothing was found in time")
        elif not self.complete:
            said.append("(stopped before everything was tried: there may be a smaller one)")
        return said

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "format": FORMAT,
            "undisturbed": _outcome_json(self.before),
            "found": [
                {"kind": one.kind, "also": list(one.also), "what": one.told(), **_outcome_json(one.outcome)}
                for one in self.found
            ],
            "noticed": [{"kind": kind, **_outcome_json(outcome)} for kind, outcome in self.noticed.items()],
            "complete": self.complete,
            "exit_code_only": self.code_only,
            "runs": self.runs,
        }


def _alike(one: Outcome, other: Outcome) -> bool:
    return (one.code, one.stdout) == (other.code, other.stdout)


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {"exit_code": outcome.code, "stdout": outcome.stdout.decode("utf-8", "replace")}


def _output_difference(before: bytes, after: bytes) -> list[str]:
    """The first line in which two outputs differ."""
    pairs = itertools.zip_longest(*(one.decode("utf-8", "replace").splitlines() for one in (before, after)))
    for was, now in pairs:
        if was != now:
            shown = ["(nothing)" if line is None else visible(line, 160) for line in (was, now)]
            return [f"  - {shown[0]}", f"  + {shown[1]}"]
    return ["  (the outputs differ in line ends only)"]


def fuzz(
    exchange: Exchange,
    command: Sequence[str],
    budget: Budget,
    timeout: float,
    told: Told = lambda _: None,
    faults: Sequence[str] = (),
) -> Fuzzed:
    """What changes the outcome of a command. Ctrl-C stops the budget and keeps what was found.

    ``faults`` are tried as well (``playback/faults.py``), an action alone (``duplicate``) at every event, the last
    first. Raises NotFoundError and CouldNotRunError when the command cannot be run, never asks, or has no steady
    outcome; UsageError when it fails undisturbed, and for what is no fault.
    """
    exchange = replace(exchange, segments=tuple(exchange.segments))
    placed = {text: _placed(text, exchange) for text in faults}
    with CommandUnderTest(command, timeout) as under_test:
        result = _undisturbed(exchange, under_test)
        told(f"undisturbed: {result.before}")
        search = _Search(exchange, under_test, result, budget, told)
        try:
            result.add(search.cuttings())
            for how in Break:
                result.add(search.latest_break(how))
            for text, places in placed.items():
                result.add(search.first_fault(text, places))
            result.complete = True
        except (StoppedError, KeyboardInterrupt) as stopped:
            budget.stopped = isinstance(stopped, KeyboardInterrupt)
            result.add(search.smallest_so_far())
        result.runs = under_test.runs
        return result


def _placed(text: str, exchange: Exchange) -> list[tuple[str, Faults]]:
    """A fault in words, and read; an action alone once for every event, the last first."""
    if text.partition(" ")[0] not in set(Action):
        texts = [text]
    else:
        texts = [f"at {number}e: {text}" for number in reversed(range(len(event_ends(exchange))))]
    found = [(one, parse_faults([one])) for one in texts]
    if any(faults.status is not None for _, faults in found):
        raise UsageError(f"{text}: an error instead of the answer is what a command ought to complain about")
    return found


def _undisturbed(exchange: Exchange, under_test: CommandUnderTest) -> Fuzzed:
    """The outcome to compare with: that of two equal runs."""
    first = under_test.outcome(at_once(exchange))
    if not under_test.asked:
        raise CouldNotRunError("the command never asked the server that OPENAI_BASE_URL and ANTHROPIC_BASE_URL name")
    if first.code:
        why = f" and complains: {visible(first.complaint, 100)}" if first.complaint else ""
        raise UsageError(
            f"the command fails on the undisturbed stream ({first}{why}), so that nothing can be told from its "
            "failing; mend that first, or look for the smallest stream it fails on with streamlab shrink"
        )
    second = under_test.outcome(at_once(exchange))
    if first.code is None or first.code != second.code:
        raise CouldNotRunError(f"the command has no steady outcome: {first}, then {second}")
    under_test.be_patient()
    return Fuzzed(first, code_only=first.stdout != second.stdout)


class _Search:
    """Looks for variations that change the outcome, and for the smallest of them."""

    def __init__(
        self, exchange: Exchange, under_test: CommandUnderTest, result: Fuzzed, budget: Budget, told: Told
    ) -> None:
        self._exchange = exchange
        self._under_test = under_test
        self._result = result
        self._budget = budget
        self._told = told
        self._smallest: ChangedOutcome | None = None
        self._known: dict[str, bool] = {}
        #: What is no news of the break that is looked at: what the command says when only the proper end is missing.
        self._expected: Outcome | None = None

    def smallest_so_far(self) -> list[ChangedOutcome]:
        """What the search that is going on has come to; [] when it has found nothing yet."""
        found, self._smallest = self._smallest, None
        return [found] if found is not None else []

    def _changes(self, kind: str, variation: Exchange, key: str, description: str) -> bool:
        """Whether a variation changes the outcome; what was tried once under a key is not tried again."""
        if key not in self._known:
            self._budget.spend()
            outcome = self._under_test.outcome(variation)
            self._tell(description, outcome)
            self._known[key] = self._is_news(outcome)
            if self._known[key]:
                self._smallest = ChangedOutcome(kind, description, variation, outcome)
        return self._known[key]

    def _tell(self, description: str, outcome: Outcome) -> None:
        another = ", another output" if outcome.stdout != self._result.before.stdout else ""
        self._told(f"{description}: {outcome}{another}")

    def _is_news(self, outcome: Outcome) -> bool:
        before = self._result.before
        if outcome.code == before.code:
            return not self._result.code_only and outcome.stdout != before.stdout
        return self._expected is None or outcome.code != self._expected.code

    def cuttings(self) -> list[ChangedOutcome]:
        """The fewest cuts that change the outcome."""
        body = self._exchange.body

        def changes(cuts: list[int]) -> bool:
            return self._changes("cut up", cut_at(self._exchange, cuts), f"cuts {cuts}", self._cutting(cuts))

        for cuts in self._some_cuttings(len(body)):
            if changes(cuts):
                Shrinker(cuts, changes).run()
                break
        return self.smallest_so_far()

    def _some_cuttings(self, size: int) -> Iterator[list[int]]:
        yield []
        yield [end for end in event_ends(self._exchange) if end < size]
        if 1 < size <= _MAX_BYTEWISE:
            yield list(range(1, size))
        for seed in range(_RANDOM_CUTTINGS if size > 1 else 0):
            chance = random.Random(seed)
            yield sorted(chance.sample(range(1, size), min(size - 1, chance.randint(1, 30))))

    def _cutting(self, cuts: list[int]) -> str:
        if not cuts:
            return "in one piece"
        if len(cuts) > 3:
            return f"in {len(cuts) + 1} pieces"
        where = ", ".join(f"{cut} ({place(self._exchange, cut)})" for cut in cuts)
        return f"cut after byte{'s' if len(cuts) > 1 else ''} {where}"

    def latest_break(self, how: Break) -> list[ChangedOutcome]:
        """The least that has to be missing for the outcome to change: at first whole events, then bytes."""
        size = len(self._exchange.body)
        places = sorted({0, size, *event_ends(self._exchange)}, reverse=True)
        self._expected = self._complaint(how, places[:2])

        def changes(kept: int) -> bool:
            words = self._breaking(how, kept)
            return self._changes(how, broken_off(self._exchange, kept, how), words, words)

        step, survived = 1, 0
        at = 0
        while not changes(places[at]):
            if at == len(places) - 1:
                return []
            survived, at, step = at, min(at + step, len(places) - 1), step * 2
        if at == 0:
            return self.smallest_so_far()
        # Between the last place it survived and the first it did not; what lies between is assumed to be monotonous.
        at = _first(survived + 1, at, lambda middle: changes(places[middle]))
        low, high = places[at], places[at - 1] - 1
        while low < high:
            middle = (low + high + 1) // 2
            if changes(middle):
                low = middle
            else:
                high = middle - 1
        return self.smallest_so_far()

    def first_fault(self, text: str, places: Sequence[tuple[str, Faults]]) -> list[ChangedOutcome]:
        """The first of these, mildest first, that changes the outcome."""
        self._expected = None
        for words, faults in places:
            if faults.keepalive_us and faults.gap_us is None:  # where nothing is silent, nothing keeps alive
                faults = replace(faults, gap_us=3 * faults.keepalive_us)
            if self._changes(text, faulty(at_once(self._exchange), faults), words, words):
                break
        return self.smallest_so_far()

    def _breaking(self, how: Break, kept: int) -> str:
        return f"{how} after byte {kept} of {len(self._exchange.body)} ({place(self._exchange, kept)})"

    def _complaint(self, how: Break, ends: Sequence[int]) -> Outcome | None:
        """What the command says when nothing but the proper end is missing: that of HTTP or, for one that looks no
        further than [DONE], the last event. None when it does not fail then. That it says so is kept as no news, and so
        is the same said of an earlier place."""
        self._expected = None
        for kept in ends:
            words = self._breaking(how, kept)
            if not self._changes(how, broken_off(self._exchange, kept, how), words, words):
                continue
            if self._smallest is None or not self._smallest.outcome.code:
                return None
            found, self._smallest = self._smallest, None
            self._known[words] = False
            self._result.noticed[str(how)] = found.outcome
            return found.outcome
        return None


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from ``low`` to ``high`` that holds; ``high`` is known to."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high
