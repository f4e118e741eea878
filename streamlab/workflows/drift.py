"""Recorded questions asked again, and what changed in the shape of the answers. Wiring only.

What was asked lies in a database beside the questions until the run is over: a run that was broken off goes on there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from streamlab.apis.registry import all_rules, family_of
from streamlab.comparing.drift import Shape, ShapeChange, shape_changes, shape_of
from streamlab.errors import CouldNotRunError, UnreadableInputError, UsageError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.storage.recorders import is_recorded_into
from streamlab.storage.targets import Target, find
from streamlab.workflows.regression.fixture import EXPECTED, FINDINGS, write_expectations
from streamlab.workflows.regression.recording import LiveRecorder, ask_again, why_not_again
from streamlab.workflows.share import masking_of, prepared

_TIMEOUT_S = 300.0
_ASKED = ".streamlab-drift.db"
#: How long the recorder of a run that was killed may take to write what it has, and how often we look.
_WRITTEN_WITHIN_S, _LOOK_EVERY_S = 60.0, 0.02


@dataclass(frozen=True, slots=True)
class Drifted:
    """One question: what changed, or why it was not asked again. ``home`` is its exchange directory."""

    name: str
    home: Path
    changes: tuple[ShapeChange, ...] = ()
    skipped: str | None = None


def drift(
    folder: str, against: str, *, per_minute: float, update: bool, advance: Callable[[str], None]
) -> Iterator[Drifted]:
    """Ask every recorded question of a folder again, one after the other, and tell what changed.

    ``per_minute`` bounds how fast it asks (0: it does not). With ``update`` a changed answer takes the place of the
    recorded one once the next is asked for: what changed can be shown before.

    Raises UsageError, NotFoundError, UnreadableInputError, CouldNotRunError.
    """
    questions = [_question(target) for target in find(folder, None)]
    if all(one.skipped for one in questions):
        raise UsageError(f"{folder}: none of its {len(questions)} exchanges can be asked again: {questions[0].skipped}")
    kept = Path(folder) / _ASKED if Path(folder).is_dir() else Path(_ASKED)
    _ask(questions, against, kept, per_minute, advance)
    answers = _answers(kept, against)
    timing = frozenset(rule.name for rule in all_rules() if family_of(rule) == "timing")
    for question in questions:
        if question.skipped:
            yield question
            continue
        answer = answers.get(question.name)
        if answer is None:
            yield Drifted(question.name, question.home, skipped="no answer was recorded")
            continue
        before = read_exchange_dir(question.home)
        with answer.opened() as after:
            changes = tuple(shape_changes(_shape(before, timing), _shape(after, timing)))
            yield Drifted(question.name, question.home, changes)
            if changes and update:  # now that it was told
                _replace(question.home, after)
    kept.unlink(missing_ok=True)


def _shape(exchange: Exchange, timing: frozenset[str]) -> Shape:
    return shape_of(exchange, analyze(exchange), timing)


def _question(target: Target) -> Drifted:
    if target.id is not None or target.number is not None:
        raise UsageError(
            f"{target.source}: drift wants a folder of exchange directories; `streamlab export` writes one"
        )
    home = Path(target.path)
    request = read_exchange_dir(home).request
    return Drifted(home.name, home, skipped=why_not_again(request))


def _ask(
    questions: Sequence[Drifted], against: str, kept: Path, per_minute: float, advance: Callable[[str], None]
) -> None:
    """Ask what was not asked yet, through the recorder; the name of a question stands in a header of its own."""
    done = set(_asked_before(kept, against)) if kept.exists() else set()
    waiting = [one for one in questions if not one.skipped and one.name not in done]
    if not waiting:
        return
    with LiveRecorder(None, against, kept) as recorder, httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        due = time.monotonic()
        for question in waiting:
            time.sleep(max(0.0, due - time.monotonic()))
            due = time.monotonic() + (60 / per_minute if per_minute else 0)
            request = read_exchange_dir(question.home).request
            assert request is not None
            name = question.name.encode("ascii", "backslashreplace").decode()
            ask_again(client, recorder.base_url, request, {_NAME: name})
            advance(question.name)


def _asked_before(kept: Path, against: str) -> dict[str, Target]:
    """What a run that was broken off has answers to, once its recorder, which outlives it, has written them all."""
    patience = time.monotonic() + _WRITTEN_WITHIN_S
    while is_recorded_into(kept):
        if time.monotonic() > patience:
            raise CouldNotRunError(f"{kept}: another run still asks; wait for its end, or end it")
        time.sleep(_LOOK_EVERY_S)
    return _answers(kept, against)


_NAME = "x-streamlab-question"


def _answers(kept: Path, against: str) -> dict[str, Target]:
    """The latest answer to each question, by its name. Raises CouldNotRunError when nothing was reached at all."""
    found: dict[str, Target] = {}
    unreachable = 0
    for target in find(str(kept), None) if kept.exists() else ():
        with target.opened() as exchange:
            if exchange.head is None and exchange.ending == "unreachable":
                unreachable += 1
                continue
            headers = exchange.request.headers if exchange.request is not None else ()
            name = next((value for key, value in headers if key.lower() == _NAME), None)
        if name is not None:
            found[name] = target
    if unreachable and not found:
        kept.unlink(missing_ok=True)
        raise CouldNotRunError(f"{against} cannot be reached")
    return found


def _replace(home: Path, exchange: Exchange) -> None:
    """Put an answer in the place of the recorded one, without secrets, with its expectations where there were any."""
    expected = (home / EXPECTED).exists() or (home / FINDINGS).exists()
    write_exchange_dir(prepared(exchange, masking_of()).exchange, home)
    if expected:
        try:
            write_expectations(home, read_exchange_dir(home))
        except UnreadableInputError as error:
            raise CouldNotRunError(f"{home}: {error}") from None
