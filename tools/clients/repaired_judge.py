"""Says of one client on one case whether it is better or worse off after repair, or the same.

What a client held is measured against what the same client held of the lawful stream beside the case, or else against
what streamlab reads of the repaired stream, but for what the client tells otherwise of any stream that ends so. Best is
the whole answer, without an error. Then an answer of which only something beside the words differs (`BESIDE`), then an
error that is raised, then another answer without a word, or none. Where the answer is not on the wire, an error is the
best there is. Of two answers of one rank the one is worse in which something differs that did not in the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from repaired_cases import CAME, Case, Served

from streamlab.clients.setups import ClientSetup
from streamlab.comparing.held import INTERRUPTED, HeldAnswer, difference, difference_from, failure_of, says_cut

BETTER, SAME, WORSE = "better", "same", "worse"
#: Letters of `streamlab.comparing.held` for what is beside the words of an answer and its calls.
BESIDE = frozenset("iufvro")
#: How those end who say that a stream is broken.
_LOUD = ("error", INTERRUPTED)


@dataclass(frozen=True)
class Outcome:
    """How one client ended on one body: "right", "hang", ``error(…)…``, "interrupted", ``wrong:LETTERS``; and a rank to
    compare."""

    told: str
    rank: int
    letters: frozenset[str]
    held: HeldAnswer


@dataclass(frozen=True)
class Kin:
    """How a client ends on a lawful stream that ends like the case."""

    failure: str | None = None
    letters: frozenset[str] = frozenset()


def kin_of(setup: ClientSetup, case: Case, held: HeldAnswer | None) -> Kin:
    """From what the client held of it."""
    if case.kin is None or held is None or held.get("ok") is None:
        return Kin()
    failure = failure_of(held)
    wrong = difference_from(held, case.kin.served[CAME].completion, finish=setup.finish)
    return Kin(failure, frozenset(wrong if failure is None else ""))


def outcome(setup: ClientSetup, held: HeldAnswer, repaired: Served, lawful: HeldAnswer | None, kin: Kin) -> Outcome:
    """``lawful`` is what the client held of the lawful stream; ``repaired`` says whether the answer can be had."""
    letters = frozenset(_letters(setup, held, repaired, lawful))
    if lawful is None:
        letters -= kin.letters
    failure = failure_of(held)
    if failure is not None and failure in (kin.failure, failure_of(lawful) if lawful is not None else None):
        return Outcome("right", 4, frozenset(), held)  # it cannot read the lawful stream either
    if failure is not None:
        loud = failure != "hang"
        return Outcome(failure, (4 if repaired.broken else 2) * loud, letters, held)
    if repaired.broken and says_cut(held):
        return Outcome(INTERRUPTED, 4, letters, held)
    if repaired.broken:
        return Outcome(f"silent:{''.join(sorted(letters))}", 1, letters, held)
    if not letters:
        return Outcome("right", 4, letters, held)
    return Outcome(f"wrong:{''.join(sorted(letters))}", 3 if letters <= BESIDE else 1, letters, held)


def _letters(setup: ClientSetup, held: HeldAnswer, repaired: Served, lawful: HeldAnswer | None) -> str:
    if lawful is not None and lawful.get("ok"):
        return difference(held, lawful)
    return difference_from(held, repaired.completion, finish=setup.finish)


def verdict(came: Outcome, after: Outcome) -> str:
    """Whether a client is better or worse off after repair than before."""
    if came.rank != after.rank:
        return BETTER if after.rank > came.rank else WORSE
    if came.told.startswith(_LOUD) and after.told.startswith(_LOUD):
        lost = came.held["text"].startswith(after.held["text"]) and came.held["text"] != after.held["text"]
        return WORSE if lost else SAME
    if after.letters - came.letters:
        return WORSE
    return BETTER if came.letters - after.letters else SAME


def judged(
    setup: ClientSetup, case: Case, variant: str, answers: dict[str, HeldAnswer]
) -> tuple[Outcome, Outcome] | None:
    """As it came and repaired; None where the client was not asked or has no such API. ``answers`` by variant."""
    held = [answers.get(one) for one in (CAME, variant)]
    if any(one is None or one.get("ok") is None for one in held):
        return None
    repaired, lawful, kin = case.served[variant], answers.get("lawful"), kin_of(setup, case, answers.get("kin"))
    came, after = (outcome(setup, one, repaired, lawful, kin) for one in held if one is not None)
    return came, after
