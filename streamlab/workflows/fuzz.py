"""A command against a capture: does it come to another end when the same stream is cut elsewhere, or breaks off?

`fuzz` looks for the smallest variation that changes the outcome, `shrink` for the smallest stream that still shows a
finding, or still makes the command fail. Both keep to a budget and hand out the best so far whenever they are stopped.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from streamlab.apis.registry import by_name, choose, family_of
from streamlab.errors import CouldNotRunError, NotFoundError, UsageError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.playback.matching import candidate
from streamlab.playback.script import script
from streamlab.playback.shrinking import ExchangeShrinker, Shrinker
from streamlab.playback.variations import Break, at_once, broken_off, cut_at, event_ends, place
from streamlab.servers.command import BASE_URL_VARIABLES
from streamlab.servers.replay import Playable
from streamlab.wire.visible import visible
from streamlab.workflows.replay import BackgroundReplay, held

FORMAT = "streamlab.fuzz/1"

_NAME = "it"
_RANDOM_CUTTINGS = 4
#: A body beyond this is not sent byte by byte.
_MAX_BYTEWISE = 64 * 1024
#: Without a stall in sight a command may take this many times as long as it first took, and so many seconds more.
_PATIENCE, _MORE_SECONDS = 4.0, 1.0
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the command came to. ``code`` is None when it had to be stopped; ``complaint`` is how the last line
    of standard error begins, up to a colon: for most languages the name of the error."""

    code: int | None
    stdout: bytes
    complaint: str = ""

    def __str__(self) -> str:
        return "still running, and stopped" if self.code is None else f"exit code {self.code}"


class StoppedError(Exception):
    """The budget is used up."""


class Budget:
    """Seconds to spend; `spend` raises StoppedError when they are gone. ``stopped`` says that the user had enough."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.stopped = False

    def spend(self) -> None:
        """Raise StoppedError when there is nothing left."""
        if time.monotonic() >= self._until:
            raise StoppedError


class CommandUnderTest:
    """Runs a command against exchanges that a replay server on loopback plays to it, whatever it asks."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._command = command
        self._timeout = timeout
        self._replay = BackgroundReplay([], speed=1.0, answer_anything=True)
        self.runs = 0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._replay.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replay.__exit__(kind, error, trace)

    @property
    def asked(self) -> int:
        """Requests the command has sent so far."""
        return len(self._replay.requests)

    def outcome(self, exchange: Exchange) -> Outcome:
        """Run the command once against this exchange. Raises NotFoundError, CouldNotRunError."""
        self._replay.load([Playable(candidate((_NAME,), None), _NAME, lambda: held(script(exchange)))])
        base_url = f"{self._replay.url}/@{_NAME}/v1"
        environment = {"OPENAI_API_KEY": "streamlab", **os.environ, **dict.fromkeys(BASE_URL_VARIABLES, base_url)}
        started = time.monotonic()
        self.runs += 1
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # so that what it started can be stopped with it
            )
        except FileNotFoundError:
            raise NotFoundError(f"no such command: {self._command[0]}") from None
        except OSError as error:
            raise CouldNotRunError(f"cannot run {self._command[0]}: {(error.strerror or str(error)).lower()}") from None
        with process:
            try:
                stdout, stderr = process.communicate(timeout=self._timeout)
                code: int | None = process.returncode
            except subprocess.TimeoutExpired:
                _stop(process)
                (stdout, stderr), code = process.communicate(), None
            except BaseException:
                _stop(process)
                raise
        self.seconds = time.monotonic() - started
        last = stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return Outcome(code, stdout, last.partition(":")[0])

    def be_patient(self) -> None:
        """From now on a run may take some times as long as the last one took."""
        self._timeout = min(self._timeout, self.seconds * _PATIENCE + _MORE_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


# -- fuzz --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A variation that changes the outcome: what it is in words, the exchange to play, and what came of it."""

    kind: str  # "cut up", or a Break
    description: str
    exchange: Exchange
    outcome: Outcome


@dataclass(slots=True)
class Fuzzed:
    """What was found, the smallest of each kind, mildest kind first; ``complete`` says whether there was time for all
    of it. ``code_only`` is set when the output of the command changes by itself and could not be compared."""

    before: Outcome
    found: list[Difference] = field(default_factory=list)
    complete: bool = False
    code_only: bool = False
    runs: int = 0

    @property
    def smallest(self) -> Difference | None:
        """The mildest of all that change the outcome."""
        return self.found[0] if self.found else None

    def lines(self) -> list[str]:
        """For people; safe to print."""
        said = [f"undisturbed: {self.before}"]
        for one in self.found:
            said.append(f"{one.description}: {one.outcome}")
            if not self.code_only and one.outcome.stdout != self.before.stdout:
                said += _output_difference(self.before.stdout, one.outcome.stdout)
        if self.code_only:
            said.append("(the output changes by itself from run to run: only exit codes were compared)")
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
            "found": [{"kind": one.kind, "what": one.description, **_outcome_json(one.outcome)} for one in self.found],
            "complete": self.complete,
            "exit_code_only": self.code_only,
            "runs": self.runs,
        }


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
    exchange: Exchange, command: Sequence[str], budget: Budget, timeout: float, told: Told = lambda _: None
) -> Fuzzed:
    """What changes the outcome of a command. Ctrl-C stops the budget and keeps what was found.

    Raises NotFoundError and CouldNotRunError when the command cannot be run, never asks, or has no steady outcome.
    """
    exchange = replace(exchange, segments=tuple(exchange.segments))
    with CommandUnderTest(command, timeout) as under_test:
        result = _undisturbed(exchange, under_test)
        told(f"undisturbed: {result.before}")
        search = _Search(exchange, under_test, result, budget, told)
        try:
            result.found += search.cuttings()
            for how in Break:
                result.found += search.latest_break(how)
            result.complete = True
        except (StoppedError, KeyboardInterrupt) as stopped:
            budget.stopped = isinstance(stopped, KeyboardInterrupt)
            result.found += search.smallest_so_far()
        result.runs = under_test.runs
        return result


def _undisturbed(exchange: Exchange, under_test: CommandUnderTest) -> Fuzzed:
    """The outcome to compare with: that of two equal runs."""
    first = under_test.outcome(at_once(exchange))
    if not under_test.asked:
        raise CouldNotRunError("the command never asked the server that OPENAI_BASE_URL names")
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
        self._smallest: Difference | None = None

    def smallest_so_far(self) -> list[Difference]:
        """What the search that is going on has come to; [] when it has found nothing yet."""
        found, self._smallest = self._smallest, None
        return [found] if found is not None else []

    def _changes(self, kind: str, variation: Exchange, description: str) -> bool:
        self._budget.spend()
        outcome = self._under_test.outcome(variation)
        before = self._result.before
        changed = outcome.code != before.code or (not self._result.code_only and outcome.stdout != before.stdout)
        self._told(f"{description}: {outcome}{', another output' if outcome.stdout != before.stdout else ''}")
        if changed:
            self._smallest = Difference(kind, description, variation, outcome)
        return changed

    def cuttings(self) -> list[Difference]:
        """The fewest cuts that change the outcome."""
        body = self._exchange.body

        def changes(cuts: list[int]) -> bool:
            return self._changes("cut up", cut_at(self._exchange, cuts), self._cutting(cuts))

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

    def latest_break(self, how: Break) -> list[Difference]:
        """The least that has to be missing for the outcome to change: at first whole events, then bytes."""
        size = len(self._exchange.body)
        places = sorted({0, size, *event_ends(self._exchange)}, reverse=True)

        def changes(kept: int) -> bool:
            words = f"{how} after byte {kept} of {size} ({place(self._exchange, kept)})"
            return self._changes(how, broken_off(self._exchange, kept, how), words)

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


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from ``low`` to ``high`` that holds; ``high`` is known to."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


# -- shrink ------------------------------------------------------------------------------------------------------


def shows_rule(exchange: Exchange, rule: str) -> Callable[[Exchange], bool]:
    """Whether a stream still shows a finding, and is as readable as it was. Raises NotFoundError, UsageError."""
    choose((rule,), ())
    before = {finding.rule for finding in analyze(exchange).findings}
    if rule not in before:
        raise UsageError(f"this exchange has no finding {rule}; it has {', '.join(sorted(before)) or 'none'}")
    rules = by_name()
    unreadable = {name for name in rules if family_of(rules[name]) in ("sse", "json")} - before

    def holds(candidate: Exchange) -> bool:
        found = {finding.rule for finding in analyze(candidate).findings}
        return rule in found and not found & unreadable

    return holds


def fails_command(exchange: Exchange, under_test: CommandUnderTest) -> Callable[[Exchange], bool]:
    """Whether the command still fails as it does with the whole exchange: same exit code, same kind of complaint."""
    before = under_test.outcome(at_once(exchange))
    if not under_test.asked:
        raise CouldNotRunError("the command never asked the server that OPENAI_BASE_URL names")
    if before.code == 0:
        raise UsageError("the command succeeds on this exchange: there is no failure to keep")
    under_test.be_patient()

    def holds(candidate: Exchange) -> bool:
        after = under_test.outcome(at_once(candidate))
        return (after.code, after.complaint) == (before.code, before.complaint)

    return holds


def shrink(
    exchange: Exchange, holds: Callable[[Exchange], bool], budget: Budget, told: Told = lambda _: None
) -> Exchange:
    """The smallest exchange found within the budget for which ``holds`` is true. Ctrl-C stops it and keeps that."""

    def within_budget(candidate: Exchange) -> bool:
        budget.spend()
        return holds(candidate)

    level, shown = "", 0

    def tell(what: str, size: int) -> None:
        nonlocal level, shown
        if what != level or size <= 0.8 * shown:
            level, shown = what, size
            told(f"leaving out {what}: {size} bytes")

    shrinker = ExchangeShrinker(exchange, within_budget, tell)
    try:
        shrinker.run()
    except StoppedError:
        told("the budget is used up")
    except KeyboardInterrupt:
        budget.stopped = True
    return shrinker.best


def shrink_for(
    exchange: Exchange, budget: Budget, told: Told, rule: str | None, command: Sequence[str], timeout: float
) -> Exchange:
    """`shrink` for a rule or for a command, of which there must be one. Raises UsageError and what those raise."""
    if (rule is None) == (not command):
        raise UsageError("say what to keep: either --rule NAME, or -- and a command that fails")
    if rule is not None:
        smallest = shrink(exchange, shows_rule(exchange, rule), budget, told)
    else:
        with CommandUnderTest(command, timeout) as under_test:
            smallest = shrink(exchange, fails_command(exchange, under_test), budget, told)
    told(f"{len(exchange.body)} bytes became {len(smallest.body)}")
    return smallest
